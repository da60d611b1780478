"""Makes capture.pcap. Run it in this folder."""

import struct

from wire import Capture


def crc(octets):
    total = 0
    for octet in octets:
        total ^= octet
        for _ in range(8):
            total = total >> 1 ^ 0xA6BC if total & 1 else total >> 1
    return struct.pack("<H", ~total & 0xFFFF)


def frame(control, destination, source, data=b""):
    head = struct.pack("<BBBBHH", 5, 0x64, len(data) + 5, control, destination, source)
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)]
    return head + crc(head) + b"".join(block + crc(block) for block in blocks)


def ask(fragment, transport=0xC0):
    return frame(0xC4, 10, 3, bytes([transport]) + bytes.fromhex(fragment))


def tell(fragment, transport=0xC0):
    return frame(0x44, 3, 10, bytes([transport]) + bytes.fromhex(fragment))


c = Capture(20000)
c.ask(frame(0xC0, 10, 3))  # reset link states
c.answer(frame(0x00, 3, 10))
c.ask(ask("c0 15 3c 02 06 3c 03 06 3c 04 06"))  # no unsolicited responses
c.answer(tell("c0 81 9000"))
c.ask(ask("c1 02 50 01 00 07 07 00"))  # restart is noticed
c.answer(tell("c1 81 1000"))
c.ask(ask("c2 02 32 01 07 01 1a5f80890f01"))  # the time
c.answer(tell("c2 81 0000"))
c.ask(ask("c3 01 3c 02 06 3c 01 06"))  # events of class 1, then everything
reply = "e3 81 0000 02 01 28 0200 0100 81 0300 01 1e 05 00 00 01 01 00002842 01 0000c0c1 14 01 00 00 00 01 2a000000 01 01 00 00 09 ff03"
octets = bytes.fromhex(reply)
c.answer(frame(0x44, 3, 10, b"\x41" + octets[:20]))  # in two segments
c.answer(frame(0x44, 3, 10, b"\x82" + octets[20:]))
c.ask(ask("c3 00"))
breaker = "0c 01 28 0100 0700 81 01 f4010000 f4010000 00"  # trip output 7, 500 ms
c.ask(ask("c4 03 " + breaker))
c.answer(tell("c4 81 0000 " + breaker))
c.ask(ask("c5 04 " + breaker))
c.answer(tell("c5 81 0000 " + breaker))
c.ask(ask("c6 05 29 03 17 01 05 00002842 00"))  # dosing set point 42.0
c.answer(tell("c6 81 0000 29 03 17 01 05 00002842 04"))  # refused: not supported
c.ask(ask("c7 19 46 03 5b 01 1e00 1a00 0400 000000000000 0000 00000000 00000000 0100 0004 0100 2e2f6162"))  # open ./ab
c.answer(tell("c7 81 0000 46 04 5b 01 0d00 01000000 04000000 0004 0100 00"))
c.ask(ask("c8 01 46 05 5b 01 0800 01000000 00000000"))
c.answer(tell("c8 81 0000 46 05 5b 01 0c00 01000000 00000080 61626364"))
c.answer(tell("f1 82 0000 33 01 07 01 1a5f80890f01 02 03 17 01 04 81 0a00"))  # unsolicited
c.ask(ask("d1 00"))
c.ask(ask("c9 0d"))  # cold restart
c.answer(tell("c9 81 0000 34 02 07 01 e803"))
c.ask(ask("ca 46 00"))  # a function that does not exist
c.answer(tell("ca 81 0001"))
damaged = bytearray(ask("cb 01 1e 00 06"))
damaged[12] ^= 1
c.ask(bytes(damaged))  # a wrong CRC
c.ask(ask("cc 01 1e 02 00 05 04"))  # from 5 to 4
c.write()
