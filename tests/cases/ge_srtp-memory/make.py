"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402


def packet(kind, index, message, body, text=""):
    body, text = bytes.fromhex(body), bytes.fromhex(text)
    assert len(body) == 14
    boxes = "00000000100e0000" if kind == 2 else "100e000000340000"
    head = struct.pack("<HHH", kind, index, len(text)) + bytes.fromhex("000000010000000000000001" + "00" * 8)
    return head + bytes([0x21, 0x58, 0x11, 0, index, message]) + bytes.fromhex(boxes) + b"\x01\x01" + body + text


TAIL, DONE = "ffff00ff", "ff0234001c00"
line = Stream(server_port=18245)
line.ask(bytes(56))
line.answer(b"\x01" + bytes(55))
exchanges = [
    ((0xC0, "0408cf070200 00000000" + TAIL, ""), (0xD4, "0000 0100feff0000" + DONE, "")),
    ((0xC0, "040800000800 00000000" + TAIL, ""), (0x94, "100000000000 0101" + DONE, "01000200030004000500060007000800")),
    ((0xC0, "041602000200 00000000" + TAIL, ""), (0xD4, "0000 0f8000000000" + DONE, "")),
    ((0xC0, "074c5e030100 ff000000" + TAIL, ""), (0xD4, "0000 000000000000" + DONE, "")),
    ((0x80, "100000000000 0101 070800000800", "01000200030004000500060007000800"), (0xD4, "0000 000000000000" + DONE, "")),
    ((0xC0, "230100000000 00000000" + TAIL, ""), (0xD4, "0000 000000000000" + DONE, "")),
    ((0xC0, "240100000000 26010112" + TAIL, ""), (0xD4, "0000 000000000000" + DONE, "")),
    ((0x80, "040000000000 0101 400000000000", "cafe0001"), (0xD4, "0000 000000000000" + DONE, "")),
    ((0xC0, "210400000000 00000000" + TAIL, ""), (0xD1, "05f4 000000000000" + DONE, "")),
]
for index, (question, answer) in enumerate(exchanges, 1):
    line.ask(packet(2, index, *question))
    line.answer(packet(3, index, *answer))
line.ask(packet(2, 20, 0xC0, "0408000001000000 0000" + TAIL) + packet(2, 21, 0xC0, "43000000000000000000" + TAIL))
line.answer(packet(3, 20, 0x22, "0000 0100feff0000" + DONE))
wrpcap("capture.pcap", frames)
