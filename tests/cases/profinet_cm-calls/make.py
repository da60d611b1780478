"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys
import uuid

sys.path.insert(0, "../mms-services")

from scapy.all import UDP  # noqa: E402
from wire import Capture  # noqa: E402

OBJECT, DEVICE = uuid.UUID("dea00000-6c97-11d1-8271-00010003015a"), uuid.UUID("dea00001-6c97-11d1-8271-00a02442df7d")
ACTIVITY, RELATION = uuid.UUID("13142f90-0000-1000-a994-d2106890ca5a"), uuid.UUID("7c74224e-166c-4a58-bf6b-6c25a75870f0")


def packet(kind, sequence, operation, body, flags=0x20, fragment=0, little=False):
    order, octets = ("<", "bytes_le") if little else (">", "bytes")
    ids = b"".join(getattr(i, octets) for i in (OBJECT, DEVICE, ACTIVITY))
    return bytes([4, kind, flags, 0, 0x10 if little else 0, 0, 0, 0]) + ids + struct.pack(
        order + "IIIHHHHHBB", 0, 1, sequence, operation, 0xFFFF, 0xFFFF, len(body), fragment, 0, 0) + body


def stub(first, *blocks, little=False):
    blocks = b"".join(blocks)
    return struct.pack(("<" if little else ">") + "IIIII", first, len(blocks), len(blocks), 0, len(blocks)) + blocks


def block(kind, content, version=(1, 0)):
    content = bytes.fromhex(content) if isinstance(content, str) else content
    return struct.pack(">HHBB", kind, len(content) + 2, *version) + content


def record(kind, sequence, slot, subslot, index, length, rest=b"\0" * 24):
    return block(kind, struct.pack(">H16sIHHHHI", sequence, RELATION.bytes, 0, slot, subslot, 0, index, length) + rest)


capture = Capture(34964, UDP, 49152)
relation = block(0x0101, struct.pack(
    ">H16sH6s16sIHHH", 1, RELATION.bytes, 1, bytes.fromhex("00a0456dd343"), OBJECT.bytes, 0x11, 600, 0x8892, 6) + b"plc-01")
cyclic = block(0x0102, struct.pack(">HHHIHHHHHH", 1, 1, 0x8892, 1, 40, 0xC002, 32, 8, 7, 0))
capture.ask(packet(0, 0, 0, stub(4096, relation, cyclic, block(0x0103, "000188920000000a000300000000"))))
granted = block(0x8101, struct.pack(">H16sH6sH", 1, RELATION.bytes, 1, bytes.fromhex("00a0456dd344"), 0x8892))
capture.answer(packet(2, 0, 0, stub(0, granted, block(0x8102, "00010001c002"))))

# A multiple write of a record of the maker and one of the standard, in two fragments, little-endian RPC.
first = record(8, 1, 1, 1, 3, 2) + b"\xbe\xef\0\0"
second = record(8, 2, 0, 0x8000, 0x8020, 10) + block(0x022A, "00000000")
body = stub(4096, record(8, 0, 0xFFFF, 0xFFFF, 0xE040, len(first + second)), first, second, little=True)
capture.ask(packet(0, 1, 3, body[:100], 0x24, 0, True))
capture.answer(packet(9, 1, 3, b"", 0, 0, True))
capture.ask(packet(0, 1, 3, body[100:], 0x26, 1, True))
answers = b"".join(
    record(0x8008, n, 1, 1, 3, 0, struct.pack(">HHI16x", 0, 0, status)) for n, status in ((1, 0), (2, 0xDF80B000)))
capture.answer(packet(2, 1, 3, stub(0, answers, little=True), 0, 0, True))

control = struct.pack(">H16sHHHH", 0, RELATION.bytes, 1, 0, 1, 0)
capture.ask(packet(0, 2, 4, stub(4096, block(0x0110, control))))
capture.answer(packet(2, 2, 4, stub(0, block(0x8110, control[:-4] + b"\0\x08\0\0"))))
capture.ask(packet(0, 3, 2, stub(4096, record(9, 4, 0, 1, 0xAFF0, 64))))
capture.answer(packet(2, 3, 2, stub(0xDE80B000, record(0x8009, 4, 0, 1, 0xAFF0, 0))))
capture.ask(packet(0, 4, 1, stub(4096, block(0x0114, control))))
capture.ask(packet(0, 5, 3, stub(4096, b"\0\x08\0\xff\1\0")))  # a block beyond the arguments
capture.ask(packet(0, 6, 3, stub(4096, first))[:-20])  # a body beyond the datagram
capture.ask(packet(1, 6, 0, b""))  # ping
capture.write()
