"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../mms-services")

from wire import Capture  # noqa: E402

SELECTOR = b"SIMATIC-ROOT-OTHER".hex()


def cotp(unit):
    return struct.pack(">BBHBBB", 3, 0, len(unit) + 7, 2, 0xF0, 0x80) + unit


def part(version, octets, last=True):
    digest = b"\x20" + bytes(range(32)) if version == 3 else b""
    trailer = struct.pack(">BBH", 0x72, version, 0) if last else b""
    return cotp(struct.pack(">BBH", 0x72, version, len(digest + octets)) + digest + octets + trailer)


def request(function, sequence, session, parameters, flags=0x34):
    return struct.pack(">BHHHHIB", 0x31, 0, function, 0, sequence, session, flags) + bytes.fromhex(parameters)


def response(function, sequence, parameters, flags=0x34):
    return struct.pack(">BHHHHB", 0x32, 0, function, 0, sequence, flags) + bytes.fromhex(parameters)


QUALIFIER = "00000004 e88969 00 12 00000000 89 6a 00 13 00 89 6b 00 04 00 00000000"
capture = Capture(102)
capture.ask("03000023 1e e0 0000 0001 00 c0010a c1020600 c20f" + SELECTOR[:30])
capture.answer("03000023 1e d0 0001 0002 00 c0010a c1020600 c20f" + SELECTOR[:30])
capture.ask(part(1, request(0x04CA, 1, 288, "0000011d 00 04 00 00000000 00 a1 000000d3 821f 00 00 a2 00000000", 0x36)))
capture.answer(part(1, response(0x04CA, 1, "00 02 8707 8706 a1 00000120 821f 00 00 a2 00000000", 0x36)))
capture.ask(part(2, request(0x0542, 2, 903, "00000387 01 01 8232 01 00 04 07 00 " + QUALIFIER)))
capture.answer(part(2, response(0x0542, 2, "00 00 00000000")))
read = request(0x054C, 3, 903, "00000000 02 0d 00 52 05 9d18 03 00 01 06 88ede1bc63 88d0b88006 02 9376 16 " + QUALIFIER)
capture.ask(part(3, read[:30], last=False))
capture.ask(part(3, read[30:]))
capture.answer(part(3, response(0x054C, 3, "00 01 00 01 01 02 00 07 fff9 00 00 00000000")))
capture.ask(part(3, request(0x0542, 4, 903, "00000000 01 08 00 52 05 9d18 03 00 01 06 01 00 01 01 00 " + QUALIFIER)))
capture.answer(part(3, response(0x0542, 4, "00 00 00000000")))
capture.answer(part(3, bytes.fromhex("33 7040000b 0400 0000 0000 92 38 01 92000000 00000000")))
capture.answer(cotp(bytes.fromhex("72fe0010 00000000 000045ab 00000000 00000000")))
# Stop, refused; start; a password; a block made and deleted; the session ends.
capture.ask(part(3, request(0x04F2, 5, 903, "00000034 01 9077 00 08 01 " + QUALIFIER)))
capture.answer(part(3, response(0x04F2, 5, "d381b2c080a5dbff95 06 00000000")))
capture.ask(part(3, request(0x04F2, 6, 903, "00000034 01 9077 00 08 03 " + QUALIFIER)))
capture.answer(part(3, response(0x04F2, 6, "00 07 00000000")))
capture.ask(part(3, request(0x04F2, 7, 903, "00000387 01 8e36 10 02 03 010203 " + QUALIFIER)))
capture.ask(part(3, request(0x04CA, 8, 903, "00000003 00 04 00 00000000 00 a1 8a0e0005 940e 00 00 a2 00000000")))
capture.ask(part(3, request(0x04D4, 9, 903, "8a0e0005 " + QUALIFIER)))
capture.ask(part(3, request(0x04D4, 10, 903, "00000387 " + QUALIFIER)))
# What breaks the protocol, and what is encrypted.
capture.ask(part(1, bytes.fromhex("31 0000 04ca")))
capture.ask(cotp(bytes.fromhex("72 07 0004 31000000 72070000")))
capture.ask(cotp(bytes.fromhex("72 01 0fff 31000004ca")))
capture.ask(cotp(bytes.fromhex("17 0303 0004 01020304")))
capture.write()
