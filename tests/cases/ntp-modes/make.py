"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=123):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=123):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


ask(b"\x23" + bytes(47))
answer(b"\x24\x02" + bytes(10) + bytes([10, 0, 0, 1]) + bytes(32))
answer(b"\x25\x02" + bytes(46))
ask(b"\x16\x03\0\x01" + bytes(8))
ask(b"\x17\0\x03\x2a" + bytes(4))
ask(b"\x23\0\0")
wrpcap("capture.pcap", frames)
