"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../s7comm-variables")

from wire import Capture, answer, any_item, job, message, packet, userdata  # noqa: E402

ITEM = any_item(2, 1, 1, 0x84, 0)
capture = Capture()
capture.ask(job(1, "04 01" + ITEM))
capture.answer(answer(1, "04 01", "ff 04 0008 2a"))

capture.ask(job(2, "04 03" + ITEM + ITEM))  # one item fewer than told
capture.ask(job(3, "05 01" + ITEM, "00 04 0040 2a"))  # eight octets told, one there
capture.ask(job(4, "04 01" + ITEM)[:-4])  # cut within its item
capture.ask(message(5, 5, "04 01" + ITEM))  # no such ROSCTR
capture.ask(bytes.fromhex("32 01 0000 00"))  # shorter than a header
capture.answer(answer(99, "04 01", "ff 04 0008 2a"))  # nobody asked
capture.answer(answer(2, "05 01", "ff"))  # a read answered as a write
capture.ask(job(6, "28 000000000000fd 0fff"))  # argument beyond the parameters
capture.ask(userdata(7, "000112 04 11 44 01 00", "ff 09 0008 0424"))  # data shorter than told
capture.ask(job(8, "ff 00"))  # no such function
capture.send(0, bytes.fromhex("03000009 20f080 3201"))  # COTP header beyond its packet
capture.send(0, bytes.fromhex("03000009 026080 3201"))  # a unit that class 0 does not have
capture.send(0, bytes.fromhex("03000005 ff"))  # a TPKT length that cannot be
capture.ask(job(9, "04 01" + ITEM))  # and the next message is found
capture.send(0, bytes(20) + packet(job(10, "04 01" + ITEM)))  # octets that are no packet, then one
capture.ask(bytes.fromhex("72 01 0000"))  # S7 communication plus on the same connection says nothing
capture.write()
