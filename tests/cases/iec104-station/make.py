"""Makes capture.pcap. Run it in this folder."""

import struct
import sys

sys.path.insert(0, "../dnp3-outstation")

from wire import Capture  # noqa: E402

TIME = "e8031e0c05071a"  # 2026-07-05T12:30:01.000
c = Capture(2404)
sent = {True: 0, False: 0}


def control(octets):
    octets = bytes.fromhex(octets)
    return bytes([0x68, len(octets)]) + octets


def data(asks, unit):
    octets = struct.pack("<HH", sent[asks] << 1, sent[not asks] << 1) + bytes.fromhex(unit)
    sent[asks] += 1
    return bytes([0x68, len(octets)]) + octets


def ask(unit):
    c.ask(data(True, unit))


def tell(unit):
    c.answer(data(False, unit))


c.ask(control("07000000"))
c.answer(control("0b000000"))
tell("46 01 04 00 0a00 000000 00")  # end of initialization
ask("64 01 06 00 0a00 000000 14")  # general interrogation
tell("64 01 07 00 0a00 000000 14")
tell("01 83 14 00 0a00 640000 01 00 91")  # three points in sequence
tell("0d 02 14 00 0a00 c80000 00002842 00 c90000 0000c0c1 80")
tell("05 01 14 00 0a00 2c0100 7f 00")
tell("64 01 0a 00 0a00 000000 14")
c.ask(control(f"0100{sent[False] << 1:02x}00"))
ask("67 01 06 00 0a00 000000" + TIME)  # the clock
tell("67 01 07 00 0a00 000000" + TIME)
ask("2d 01 06 00 0a00 941100 81")  # select, execute: breaker on
tell("2d 01 07 00 0a00 941100 81")
ask("2d 01 06 00 0a00 941100 01")
tell("2d 01 07 00 0a00 941100 01")
tell("2d 01 0a 00 0a00 941100 01")
ask("3f 01 06 00 0a00 951100 00002842 00" + TIME)  # set point 42.0, refused
tell("3f 01 47 00 0a00 951100 00002842 00" + TIME)
ask("2e 01 06 00 0a00 ffff00 02")  # an address that is not there
tell("2e 01 6f 00 0a00 ffff00 02")
tell("24 01 03 00 0a00 c80000 00002c42 00" + TIME)  # spontaneous
tell("25 01 03 00 0a00 900100 2a000000 05" + TIME)
ask("65 01 06 00 0a00 000000 45")  # counters: freeze
ask("69 01 06 00 0a00 000000 01")  # reset process
ask("78 01 0d 00 0a00 f40100 0100 100000 00")  # a file
ask("7d 01 0d 00 0a00 f40100 0100 01 04 61626364")
ask("c8 01 06 00 0a00 010000 01")  # no such type
ask("2d 02 06 00 0a00 941100 01")  # two objects announced
sent[True] += 3
ask("64 01 06 00 0a00 000000 14")  # three frames left out
c.ask(control("43000000"))
c.answer(control("83000000"))
c.ask(control("13000000"))
c.answer(control("23000000"))
c.write()
