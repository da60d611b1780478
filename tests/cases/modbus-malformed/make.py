"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, adu, frames  # noqa: E402

stream = Stream()
stream.ask(adu(1, "03 0000 0001"))
stream.answer(adu(1, "03 02 0007"))
FAULTS = [
    "03 0000 0000",  # nothing to read
    "03 0000 007e",  # 126 registers, one too many
    "01 0000 07d1",  # 2001 coils, one too many
    "0f 0000 07b1 f6",  # 1969 coils, one too many, and none there
    "03 ffff 0002",  # past the last address
    "03 0000",  # too short
    "03 0000 0001 00",  # too long
    "05 0001 1234",  # neither on nor off
    "0f 0000 000a 01 ff",  # ten coils in one octet
    "10 0000 0002 04 0001",  # four octets announced, two there
    "10 0000 0001 04 0001 0002",  # one register in four octets
    "14 07 05 0001 0000 0001",  # reference type 5
    "2b 0e 05 00",  # identification code 5
    "00",  # function 0
    "83 02",  # an exception as a question
]
for transaction, pdu in enumerate(FAULTS, start=2):
    stream.ask(adu(transaction, pdu))
stream.ask(adu(30, "03 0000 0001", protocol=9))  # unknown protocol id
for transaction, length in ((31, 0), (32, 1), (33, 255), (34, 65535)):  # lengths that cannot be
    stream.ask(adu(transaction, "03 0005 0001", length=length))
    stream.ask(adu(transaction + 10, "06 0001 0003"))  # and the next message is found
# Answers that do not fit their question.
for transaction, question, answer in (
    (51, "03 0000 0002", "03 02 0001"),
    (52, "10 0001 0001 02 0001", "10 0001 0002"),
    (53, "03 0000 0001", "04 02 0001"),
):
    stream.ask(adu(transaction, question))
    stream.answer(adu(transaction, answer))
stream.answer(adu(99, "03 02 0001"))  # nobody asked
wrpcap("capture.pcap", frames)
