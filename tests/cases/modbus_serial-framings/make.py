"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../mms-services")

from scapy.all import wrpcap  # noqa: E402
from wire import Capture  # noqa: E402


def rtu(text):
    octets, crc = bytes.fromhex(text), 0xFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return octets + crc.to_bytes(2, "little")


def ascii(text):
    octets = bytes.fromhex(text)
    return b":" + (octets + bytes([-sum(octets) & 0xFF])).hex().upper().encode() + b"\r\n"


frames = []
for port, frame in ((4001, rtu), (4002, ascii)):
    capture = Capture(port, client_port=50000 + port)
    for question, answer in (
        ("11 03 006b 0003", "11 03 06 022b 0000 0064"),
        ("11 05 00ac ff00", "11 05 00ac ff00"),
        ("11 10 0001 0002 04 000a 0102", "11 90 02"),
        ("11 5a 00 41 ff00", "11 5a 00 fe"),
    ):
        capture.ask(frame(question))
        capture.answer(frame(answer))
    whole = frame("11 03 0000 0002")
    capture.ask(whole[:3])
    capture.ask(whole[3:])
    wrong = bytearray(frame("11 03 0000 0001"))
    wrong[4] ^= 1
    capture.ask(bytes(wrong))  # the check does not fit
    capture.ask(frame("00 06 0001 0003"))  # to all units
    frames += capture.frames
wrpcap("capture.pcap", frames)
