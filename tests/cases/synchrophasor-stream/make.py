"""Makes capture.pcap. Run it in this folder."""

import struct
import sys

sys.path.insert(0, "../dnp3-outstation")

from wire import Capture  # noqa: E402


def crc(octets):
    total = 0xFFFF
    for octet in octets:
        total ^= octet << 8
        for _ in range(8):
            total = (total << 1 ^ 0x1021) & 0xFFFF if total & 0x8000 else total << 1
    return struct.pack(">H", total)


def frame(kind, content):
    octets = struct.pack(">BBHHII", 0xAA, kind << 4 | 1, len(content) + 16, 60, 1767225600, 500000) + content
    return octets + crc(octets)


def station(name, number, form, phasors, analogs, digitals):
    head = name.ljust(16).encode() + struct.pack(">HHHHH", number, form, phasors, analogs, digitals)
    names = b" " * 16 * (phasors + analogs + 16 * digitals)
    return head + names + bytes(4 * (phasors + analogs + digitals)) + struct.pack(">HH", 0, 1)


stations = station("North", 61, 15, 1, 1, 0) + station("South", 62, 0, 2, 0, 1)
configuration = struct.pack(">IH", 1000000, 2) + stations + struct.pack(">h", 50)
data = struct.pack(">Hfffff", 0, 42.0, 1.0, 50.0, 0.0, 10.0) + struct.pack(">HhhhhhhH", 0x2000, 1, 2, 3, 4, -10, 5, 0x8001)
c = Capture(4712)
c.ask(frame(4, b"\0\3"))
c.answer(frame(1, b"two relays of one line"))
c.ask(frame(4, b"\0\5"))
c.answer(frame(3, configuration))
c.ask(frame(4, b"\0\2"))
c.answer(frame(0, data) + frame(0, data))  # two in a segment
c.answer(frame(0, data[:-4]))  # shorter than the configuration says
c.ask(frame(4, b"\0\1"))
damaged = bytearray(frame(4, b"\0\2"))
damaged[15] ^= 4
c.ask(bytes(damaged))
c.write()
