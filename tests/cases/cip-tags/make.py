"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, Stream, frames, put  # noqa: E402

SESSION = 0x11020100


def packet(command, data=b"", session=SESSION, context=1):
    return struct.pack("<HHII8sI", command, len(data), session, 0, struct.pack("<Q", context), 0) + data


def rr(message, context):
    message = bytes.fromhex(message)
    return packet(0x6F, struct.pack("<IHHHHHH", 0, 10, 2, 0, 0, 0xB2, len(message)) + message, context=context)


def unit(connection, sequence, message):
    message = bytes.fromhex(message)
    items = struct.pack("<HHIHHH", 0xA1, 4, connection, 0xB1, len(message) + 2, sequence)
    return packet(0x70, struct.pack("<IHH", 0, 0, 2) + items + message, context=0)


line = Stream(server_port=44818)
line.ask(packet(0x65, bytes.fromhex("01000000"), session=0))
line.answer(packet(0x65, bytes.fromhex("01000000")))
line.ask(rr("52 02 2006 2401 07f9 0600 0102 2001 2401 0100 0100", 2))
line.answer(rr("81 00 0000 0100 0e00 3600 1014 6030 3f825100 07 50756d70204131", 2))
line.ask(rr("54 02 2006 2401 07f9 02000000 01000000 0200 4d00 efbeadde 03000000"
            "80841e00 f443 80841e00 f443 a3 03 0100 2002 2401", 3))
line.answer(rr("d4 00 0000 11111111 01000000 0200 4d00 efbeadde 80841e00 80841e00 0000", 3))

exchanges = [
    ("4c 05 9105 4c6576656c00 2803 0200", "cc 00 0000 c400 2a000000 feffffff"),
    ("4d 04 9105 4c6576656c00 ca00 0100 00004841", "cd 00 0000"),
    ("4d 04 9105 4c6576656c00 ca00 0100 00004841", "cd 00 ff01 0721"),
    ("52 04 9105 4c6576656c00 0a00 08000000", "d2 00 0000 c400 07000000"),
    ("55 03 206b 2500 0000 0200 0100 0200", "d5 00 0600 15000000 0500 4c6576656c c400"),
    ("0a 02 2002 2401 0200 0600 0e00 0e03 2001 2401 3007 0302 208b 2401 0100 0600",
     "8a 00 0000 0200 0600 0e00 8e00 0000 03506d70 8300 0000 0100 0600 0000 0102030405060708"),
    ("4b 02 2067 2401 07 4d00 01000000 0f00 3412 a2 04 07 89 0a 00", "cb 00 0000 07 4d00 01000000 4f00 3412 0100 feff"),
    ("4b 02 2067 2401 07 4d00 01000000 0f00 3512 aa 02 04 86 01 02 6400", "cb 00 0000 07 4d00 01000000 4f00 3512"),
    ("4b 02 2067 2401 07 4d00 01000000 0f00 3612 80 01", "cb 00 0000 07 4d00 01000000 4f10 3612"),
    ("07 02 208e 2401", "87 00 0000"),
    ("05 02 2001 2401 00", "85 00 0f00"),
    ("04 02 208b 2401 0100 0600 0011223344556677", "84 00 0000 0100 0600 0000"),
    ("50 02 206a 2401 00000000 cafe", "d0 00 0000"),
    ("4d 02 20a1 2401 00000000 cafe", "cd 00 0100"),
]
for sequence, (question, answer) in enumerate(exchanges, 1):
    line.ask(unit(0x11111111, sequence, question))
    line.answer(unit(1, sequence, answer))
line.ask(unit(0x11111111, 100, "0e 09 2001 2401"))  # the path is longer than the message
line.ask(rr("4e 02 2006 2401 07f9 0200 4d00 efbeadde 0300 0100 2002 2401", 4))
line.answer(rr("ce 00 0000 0200 4d00 efbeadde 0000", 4))
line.ask(packet(0x66))

put(CLIENT, SERVER, UDP(sport=40001, dport=44818), packet(0x63, session=0, context=0))
identity = struct.pack("<H", 1) + bytes.fromhex("0002af120a0000140000000000000000")
identity += bytes.fromhex("0100 0e00 3600 1014 6030 3f825100") + b"\x07Pump A1" + b"\x03"
put(SERVER, CLIENT, UDP(sport=44818, dport=40001),
    packet(0x63, struct.pack("<HHH", 1, 12, len(identity)) + identity, session=0, context=0))
wrpcap("capture.pcap", frames)
