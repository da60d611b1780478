"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, Stream, frames, put  # noqa: E402


def fins(service, text, response=False):
    head = "c0 00 02 00 05 00 00 14 00" if response else "80 00 02 00 14 00 00 05 00"
    return bytes.fromhex(head) + bytes([service]) + bytes.fromhex(text)


def tcp(command, data):
    return b"FINS" + struct.pack(">III", len(data) + 8, command, 0) + data


def exchange(service, question, answer):
    put(CLIENT, SERVER, UDP(sport=9600, dport=9600), fins(service, question))
    if answer:
        put(SERVER, CLIENT, UDP(sport=9600, dport=9600), fins(service, answer, response=True))


MODEL = "434a324d2d4350553332202020202020202020202030312e303000000000000000000000000000"
for service, (question, answer) in enumerate([
    ("0101 82 0064 00 0002", "0101 0000 0001 fffe"),
    ("0102 b1 0010 00 0002 0005 0006", "0102 0000"),
    ("0102 30 000a 03 0002 0100", "0102 0000"),
    ("0103 a2 0000 00 0010 00ff", "0103 0000"),
    ("0104 80 0001 00 89 0005 00", "0104 0000 80 0007 89 0064"),
    ("0105 82 0000 00 82 0064 00 0005", "0105 0000"),
    ("0501 00", "0501 0000" + MODEL + "00" * 20),
    ("0402", "0402 0000"),
    ("0307 0000 00000000 0004 cafe0001", "0307 0000"),
    ("0702 26 01 01 12 00 00", "0702 0000"),
    ("0401 0000 04", "0401 2108"),
    ("2301 0001 0001 31 0001 02", "2301 0000"),
    ("2203 0000 0000 464f4f2020202020 2e424152", "2203 0000"),
    ("ee01", "ee01 0401"),
    ("0101 82 00", None),
], 1):
    exchange(service, question, answer)

line = Stream(server_port=9600)
line.ask(tcp(0, bytes(4)))
line.answer(tcp(1, struct.pack(">II", 5, 20)))
line.ask(tcp(2, fins(1, "0101 b0 0000 00 0001")))
line.answer(tcp(2, fins(1, "0101 0000 8001", response=True)))
second = tcp(2, fins(2, "0701"))
line.ask(second[:20])
line.ask(second[20:])
line.answer(tcp(2, fins(2, "0701 0000 26010112000004", response=True)))
wrpcap("capture.pcap", frames)
