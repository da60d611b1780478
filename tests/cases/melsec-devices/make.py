"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, Stream, frames, put  # noqa: E402

ROUTE = bytes.fromhex("00ffff0300")


def ask(text, serial=None):
    data = bytes.fromhex("1000" + text)
    head = b"\x50\x00" if serial is None else struct.pack("<HHH", 0x54, serial, 0)
    return head + ROUTE + struct.pack("<H", len(data)) + data


def answer(text, serial=None):
    data = bytes.fromhex(text)
    head = b"\xd0\x00" if serial is None else struct.pack("<HHH", 0xD4, serial, 0)
    return head + ROUTE + struct.pack("<H", len(data)) + data


line = Stream(server_port=5010)
for question, done in [
    ("0104 0000 640000 a8 0200", "0000 3412 0200"),
    ("0114 0000 640000 a8 0200 9519 0212", "0000"),
    ("0104 0100 640000 90 0400", "0000 1100"),
    ("0114 0100 200000 9d 0200 10", "0000"),
    ("0104 0000 400000 9c 0200", "0000 ff00 0100"),
    ("0304 0000 02 01 000000 a8 640000 c2 dc0500 a8", "0000 9519 0212 4f4e544c"),
    ("0214 0000 01 01 000000 a8 5005 dc0500 a8 02010000", "0000"),
    ("0101 0000", "0000 51303355444543505520202020202020 6802"),
    ("0210 0000 0100", "0000"),
    ("0610 0000 0100", "0000"),
    ("3016 0000 0400 31323334", "0000"),
    ("2918 0000 0000 00000000 0200 cafe", "0000"),
    ("0114 0000 ffffff a8 0100 0000", "56c0 00ffff0300 0114 0000"),
    ("0199 0000", "59c0"),
    ("0104 0000 64", None),
]:
    line.ask(ask(question))
    if done:
        line.answer(answer(done))
line.ask(ask("0104 0000 640000 a8 0200", serial=0x1234))
line.answer(answer("0000 3412 0200", serial=0x1234))

text = Stream(client_port=40002, server_port=5011)
question = b"500000FF03FF000018001004010000D*0001000002"
text.ask(question)
text.answer(b"D00000FF03FF00000C000012340002")
text.ask(question[:21])
text.ask(question[21:])
text.answer(b"D00000FF03FF00000C000012340002")

put(CLIENT, SERVER, UDP(sport=61451, dport=61451), ask("300e 0000 0200000000050a00000a"))
put(CLIENT, SERVER, UDP(sport=61450, dport=61450), ask("700e 0000 01000000 0a000005 0100 ff00"))
put(SERVER, CLIENT, UDP(sport=61450, dport=61450), answer("0000 01000000 0a000014 0100 0f00"))

gx = "57000000001111070000ffff0300000000000034001c021614" + "00" * 20 + "0410270b" + "00" * 12 + "2000c8000000000000000200"
put(CLIENT, SERVER, UDP(sport=40003, dport=5006), bytes.fromhex(gx))
done = "d70000000011117f000000a80300ffff03000024009c021814" + "00" * 22 + "0410270b00000000c841"
put(SERVER, CLIENT, UDP(sport=5006, dport=40003), bytes.fromhex(done))
wrpcap("capture.pcap", frames)
