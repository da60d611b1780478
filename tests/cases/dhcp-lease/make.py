"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=67):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=67):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


def message(operation, yours, options):
    head = bytes([operation, 1, 6, 0, 0, 0, 0, 7]) + bytes(8) + bytes(yours) + bytes(8) + bytes([2, 0, 0, 0, 0, 5])
    return head.ljust(236, b"\0") + bytes([99, 130, 83, 99]) + options


client = b"\x3d\x07\x01\x02\0\0\0\0\x05\x0c\x03hmi"
ask(message(1, [0] * 4, b"\x35\x01\x01" + client + b"\xff"))
answer(message(2, [10, 0, 0, 5], b"\x35\x01\x02\x36\x04\x0a\0\0\x14\x01\x04\xff\xff\xff\0\xff"))
ask(message(1, [0] * 4, b"\x35\x01\x03\x32\x04\x0a\0\0\x05" + client + b"\xff"))
answer(message(2, [10, 0, 0, 5], b"\x35\x01\x05\x36\x04\x0a\0\0\x14\xff"))
answer(message(2, [0] * 4, b"\x35\x01\x06\x36\x04\x0a\0\0\x14\xff"))
ask(message(1, [0] * 4, b"\x35\x01\x03\x32\x04\x0a"))
wrpcap("capture.pcap", frames)
