"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=69):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=69):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


ask(b"\0\x01plc.bin\0octet\0")
answer(b"\0\x03\0\x01" + b"U" * 512, 50001)
ask(b"\0\x04\0\x01", 50001)
answer(b"\0\x03\0\x02end", 50001)
ask(b"\0\x04\0\x02", 50001)
ask(b"\0\x02new.bin\0octet\0blksize\0001428\0")
answer(b"\0\x06blksize\0001428\0", 50002)
ask(b"\0\x03\0\x01" + b"U" * 600, 50002)
answer(b"\0\x04\0\x01", 50002)
ask(b"\0\x01none\0octet\0")
answer(b"\0\x05\0\x01no such file\0", 50003)
wrpcap("capture.pcap", frames)
