"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=53):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=53):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


question = b"\x04pump\x05plant\0\0\x01\0\x01"
ask(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + question, 53)
answer(b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0" + question + b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x14", 53)
ask(b"\x12\x35\x01\0\0\x01\0\0\0\0\0\0" + question, 53)
answer(b"\x12\x35\x81\x83\0\x01\0\0\0\0\0\0" + question, 53)
ask(b"\0\0\0\0\0\x01\0\0\0\0\0\0\x05_http\x04_tcp\x05local\0\0\x0c\0\x01", 5353)
answer(b"\x12\x36\x81\x80\0\x01\0\x01\0\0\0\0" + question + b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0", 53)
wrpcap("capture.pcap", frames)
