"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../s7comm-variables")

from wire import Capture, answer, job, userdata  # noqa: E402

NAME = "09 505f50524f4752414d"  # P_PROGRAM
capture = Capture()
services = [
    "28 000000000000fd 0000" + NAME,  # start, warm
    "28 000000000000fd 0002 4320" + NAME,  # start, cold ("C ")
    "28 000000000000fd 000a 0100 3041303030303142 05 5f494e5345",  # _INSE DB 1
    "28 000000000000fd 0012 0200 3041303030303142 3038303030303142 05 5f44454c45",  # _DELE DB 1, OB 1
    "28 000000000000fd 0000 05 5f47415242",  # _GARB
    "28 000000000000fd 0002 4550 05 5f4d4f4455",  # _MODU EP
]
capture.ask(job(1, "29 0000000000" + NAME))
capture.answer(answer(1, "29"))
capture.answer(userdata(0, "01 00 10100000 00 00", ""))
for reference, service in enumerate(services, 2):
    capture.ask(job(reference, service))
    capture.answer(answer(reference, "28"))
capture.answer(userdata(0, "01 00 10100000 01 00", ""))
capture.answer(userdata(0, "01 00 10100000 02 00", ""))
# A stop that is refused.
capture.ask(job(20, "29 0000000000" + NAME))
capture.answer(answer(20, "29", error=0x8304))
capture.write()
