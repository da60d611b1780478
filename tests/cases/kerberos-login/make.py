"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import UDP, wrpcap  # noqa: E402
from wire import CLIENT, SERVER, frames, put  # noqa: E402


def ask(payload, port=88):
    put(CLIENT, SERVER, UDP(sport=40000, dport=port), payload)


def answer(payload, port=88):
    put(SERVER, CLIENT, UDP(sport=port, dport=40000), payload)


def element(tag, *contents):
    content = b"".join(contents)
    return bytes([tag, len(content)]) + content


def name(tag, *parts):
    return element(tag, element(0x30, b"\xa0\x03\x02\x01\x01", element(0xA1, element(0x30, *[element(0x1B, part) for part in parts]))))


realm = element(0x1B, b"CELL")
body = element(0xA4, element(0x30, name(0xA1, b"ops"), element(0xA2, realm), name(0xA3, b"krbtgt", b"CELL")))
ask(element(0x6A, element(0x30, b"\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a", body)))
answer(element(0x7E, element(0x30, b"\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa6\x03\x02\x01\x18", element(0xA9, realm), name(0xAA, b"krbtgt", b"CELL"))))
wrpcap("capture.pcap", frames)
