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
    return total


def frame(addresses, opcode, data, damage=0):
    data = bytes.fromhex(data)
    octets = bytes.fromhex(addresses) + bytes([opcode, len(data)]) + data
    return octets + struct.pack("<H", crc(octets) ^ damage)


def ask(opcode, data="", damage=0):
    c.ask(frame("01020300", opcode, data, damage))


def answer(opcode, data=""):
    c.answer(frame("03000102", opcode, data))


c = Capture(4000)
ask(17, "4f503104d201")  # login of OP1
answer(17)
ask(180, "02 110003 5f0001")
answer(180, "02 110003 00 5f0001 00")
ask(166, "11000103 01")
answer(166)
ask(24, "0102030405060708090a 08 07 1e2d0c0f0307e8")  # set the clock of the next one
ask(181, "01 110003 02")
answer(255, "1404")  # security
answer(224, "0001")  # by itself
ask(225)
ask(99, "01")
ask(6, damage=1)
c.write()
