"""Makes capture.pcap. Run it in this folder."""

import struct
import sys

sys.path.insert(0, "../dnp3-outstation")

from wire import Capture  # noqa: E402


def crc(octets):
    total = 0xFFFF
    for octet in octets:
        total ^= octet
        for _ in range(8):
            total = total >> 1 ^ 0xA001 if total & 1 else total >> 1
    return struct.pack("<H", total)


def frame(text, damage=0):
    octets = bytes.fromhex(text)
    octets += bytes([crc(octets)[0] ^ damage, crc(octets)[1]])
    inside = b"".join(bytes([0xF0, octet & 15]) if octet >= 0xF0 else bytes([octet]) for octet in octets[1:])
    return octets[:1] + inside + b"\xf6"


c = Capture(10001)
c.ask(frame("fb01"))  # poll
c.answer(bytes.fromhex("f101f6"))  # nothing new
c.ask(frame("fd01"))  # recall
c.answer(frame("f201 0005 0104 02f6"))
c.ask(frame("fc01 0305 0401"))  # controls
c.answer(frame("f301 0305 0401"))  # checked back
c.ask(frame("fe01"))  # executed
c.answer(bytes.fromhex("f101f6"))
c.ask(frame("fb02", 1) + frame("fb02"))  # a wrong CRC, then the poll again
c.write()
