"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../s7comm-variables")

from wire import Capture, answer, job  # noqa: E402

FILE = "09 5f30433030303135 50"  # _0C00015P: FC 15, passive
capture = Capture()
# Download: the station asks once, then the controller fetches piece by piece and ends it.
capture.ask(job(1, "1a 00 0000 00000000" + FILE + "0d 31 303030323834 303030323038"))
capture.answer(answer(1, "1a"))
capture.answer(job(0x8001, "1b 00 0000 00000000" + FILE))
capture.ask(answer(0x8001, "1b 01", "0008 00fb 7070010101020304"))
capture.answer(job(0x8002, "1b 00 0000 00000000" + FILE))
capture.ask(answer(0x8002, "1b 00", "0004 00fb 05060708"))
capture.answer(job(0x8003, "1c 00 0000 00000000" + FILE))
capture.ask(answer(0x8003, "1c"))
# Upload: the station asks throughout.
capture.ask(job(2, "1d 00 0000 00000000 09 5f304130303030 3141"))
capture.answer(answer(2, "1d 00 0100 00000007 07 30303030323432"))
capture.ask(job(3, "1e 00 0000 00000007"))
capture.answer(answer(3, "1e 01", "0004 00fb 70700101"))
capture.ask(job(4, "1e 00 0000 00000007"))
capture.answer(answer(4, "1e 00", "0002 00fb 0a0b"))
capture.ask(job(5, "1f 00 0000 00000007"))
capture.answer(answer(5, "1f"))
# An upload that is refused: there is no such block.
capture.ask(job(6, "1d 00 0000 00000000 09 5f304130303939 3941"))
capture.answer(bytes.fromhex("32 02 0000 0006 0000 0000 d241"))
capture.write()
