"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../s7comm-variables")

from wire import Capture, answer, any_item, job, packet  # noqa: E402

capture = Capture()
values = "".join(f"{n:02x}" for n in range(40))
unit = job(1, "05 01" + any_item(2, 40, 1, 0x84, 0), "00 04 0140" + values)

# Four COTP pieces, one TCP segment each; an empty keep-alive piece of the other side between them.
pieces = [unit[0:11], unit[11:12], unit[12:50], unit[50:]]
for n, piece in enumerate(pieces):
    capture.send(0, packet(piece, last=n + 1 == len(pieces)))
    if n == 1:
        capture.send(1, bytes.fromhex("03000007 02f000"))
capture.answer(answer(1, "05 01", "ff"))

# COTP pieces cut anew by TCP: no segment ends where a packet ends.
stream = b"".join(packet(piece, last=n + 1 == len(pieces)) for n, piece in enumerate(pieces))
for at in range(0, len(stream), 13):
    capture.send(0, stream[at:at + 13])
capture.answer(answer(1, "05 01", "ff"))

# Two messages in one segment.
read = job(2, "04 01" + any_item(4, 1, 1, 0x84, 0))
capture.send(0, packet(read) + packet(job(3, "04 01" + any_item(4, 1, 1, 0x84, 16))))
capture.send(1, packet(answer(2, "04 01", "ff 04 0010 0001")) + packet(answer(3, "04 01", "ff 04 0010 0203")))
capture.write()
