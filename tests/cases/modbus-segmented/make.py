"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, adu, frames  # noqa: E402

stream = Stream()
write = adu(1, "10 0064 0003 06 0001 0002 0003")
for place in range(0, len(write), 5):  # one message in four segments
    stream.ask(write[place : place + 5])
stream.answer(adu(1, "10 0064 0003"))
# Four questions in one segment, to two units under repeated transaction ids.
questions = [(2, 1, "03 0000 0001"), (2, 2, "03 0064 0001"), (3, 1, "04 00c8 0001"), (4, 1, "06 0007 0008")]
stream.ask(b"".join(adu(transaction, pdu, unit) for transaction, unit, pdu in questions))
# Their answers in another order, the segment ending within the last.
answers = [(3, 1, "04 02 0003"), (2, 2, "03 02 0002"), (4, 1, "06 0007 0008"), (2, 1, "03 02 0001")]
octets = b"".join(adu(transaction, pdu, unit) for transaction, unit, pdu in answers)
stream.answer(octets[:-4])
stream.answer(octets[-4:])
# Three questions under one transaction id, as some clients ask.
for pdu in ("06 0004 09c4", "06 0004 0000", "06 0005 36c1"):
    stream.ask(adu(504, pdu))
for pdu in ("06 0004 09c4", "06 0004 0000", "06 0005 36c1"):
    stream.answer(adu(504, pdu))
wrpcap("capture.pcap", frames)
