"""Makes capture.pcap. Needs scapy; run it in this folder."""

import struct
import sys

sys.path.insert(0, "../mms-services")

from wire import Capture  # noqa: E402

transaction = 0
capture = Capture(502)


def adu(pdu):
    pdu = bytes.fromhex("5a" + pdu)
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, 0) + pdu


for question, answer in (
    ("00 02", "00 fe 10ff5a0101000000"),
    ("00 01 00", "00 fe fd03 00010400"),
    ("00 20 00 1300 64000000 9c00", "00 fe 00 0400 01020304"),
    ("00 10 434c0000 04 484d4931", "00 fe 01"),
    ("01 12", "01 fe"),
    ("01 33 0001fb00", "01 fe 0000"),
    ("01 34 00 0100 0002 abcd", "01 fe 00"),
    ("01 35 00 0100 0000", "01 fe"),
    ("01 23 01020304 01", "01 fe"),
    ("01 41 ff00", "01 fe"),
    ("02 40 ff00", "02 fd 81 80"),  # another key: refused
    ("01 77", "01 fd 83"),  # no such code
    ("01 11", "01 fe"),
):
    transaction += 1
    capture.ask(adu(question))
    capture.answer(adu(answer))
capture.write()
