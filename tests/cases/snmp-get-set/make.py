"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=161):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=161):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


get = bytearray(b"\x30\x26\x02\x01\x00\x04\x06public\xa0\x19\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0")


def unit(kind, error=0):
    octets = bytearray(get)
    octets[13], octets[20] = 0xA0 + kind, error
    return bytes(octets)


ask(unit(0))
answer(unit(2))
ask(unit(3))
answer(unit(2, 4))
ask(unit(7), 162)
ask(
    b"\x30\x2d\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x03\x02\x01\x03"
    b"\x04\x15\x30\x13\x04\x02\x80\0\x02\x01\0\x02\x01\0\x04\x03ops\x04\0\x04\0\x04\x02\x11\x22"
)
wrpcap("capture.pcap", frames)
