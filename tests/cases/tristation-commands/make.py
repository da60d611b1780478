"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../mms-services")

from scapy.all import UDP  # noqa: E402
from wire import Capture  # noqa: E402


def packet(kind, content=b""):
    octets, crc = struct.pack("<BBH", kind, 0, len(content)) + content, 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return octets + struct.pack("<H", crc)


def command(origin, function, counter, data=b""):
    return packet(5, struct.pack("<HBBHHH", origin, function, counter, 0, 0, 10 + len(data)) + data)


capture = Capture(1502, UDP, 33279)
capture.ask(packet(1))
capture.answer(packet(2))
# Status; download of a change: start, a program, a function, end; run; halt, which the key switch prohibits.
for counter, (function, answer, data) in enumerate((
    (19, 108, b""), (1, 102, b"\1\2"), (55, 153, b"\0" * 8), (56, 154, b"\0" * 8), (11, 103, b"\1\2"),
    (20, 109, b""), (21, 212, b""), (65, 162, b"\0" * 8), (99, 200, b""),
)):
    capture.ask(command(0, function, counter, data))
    capture.answer(command(0x0101, answer, counter))
capture.answer(packet(7))
capture.ask(packet(4))
capture.answer(packet(3))
wrong = command(0, 19, 20)
capture.ask(wrong[:-1] + b"\0")  # the check
capture.ask(wrong[:-4])  # the length
capture.ask(packet(5, b"\0\0\x13"))  # no command
capture.write()
