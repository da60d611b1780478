"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../s7comm-variables")

from wire import Capture, any_item, userdata  # noqa: E402

ASK, TELL, MORE = "000112 04 11", "000112 08 12", "000112 08 12"
capture = Capture()
exchanges = [
    ("44 01 00", "ff 09 0004 001c 0000", "84 01 01 00 00 0000", "ff 09 000a 001c 0000 0002 0001 abcd"),  # SZL
    ("44 01 00", "ff 09 0004 0fff 0000", "84 01 02 00 00 d401", "0a 00 0000"),  # SZL not known
    ("45 01 00", "ff 09 0008 6477616364776163", "85 01 03 00 00 0000", "0a 00 0000"),  # password
    ("45 02 00", "0a 00 0000", "85 02 04 00 00 0000", "0a 00 0000"),  # end of password
    ("47 01 00", "0a 00 0000", "87 01 05 00 00 0000", "ff 09 000a 00 19 26 01 02 03 04 05 00 66"),  # read clock
    ("47 02 00", "ff 09 000a 00 20 26 01 02 03 04 05 00 66", "87 02 06 00 00 0000", "0a 00 0000"),  # set clock
    ("43 01 00", "0a 00 0000", "83 01 07 00 00 0000", "ff 09 0004 3038 0001"),  # list blocks
    ("43 03 00", "ff 09 0008 3041 3030303031 41", "83 03 08 00 00 d209", "0a 00 0000"),  # block information, none
    ("44 02 00", "ff 09 000a 83 00 4649454c44574152", "84 02 09 00 00 0000", "ff 09 0002 0200"),  # subscribe
]
for reference, (ask, asked, tell, told) in enumerate(exchanges, 1):
    capture.ask(userdata(reference, ASK + ask, asked))
    capture.answer(userdata(reference, TELL + tell, told))

# Cyclic data: DB1 octets 2 to 5 every second; what is told then, by job 1; and its end.
item = any_item(2, 4, 1, 0x84, 16)
capture.ask(userdata(20, ASK + "42 01 00", "ff 09 0010 0001 01 0a" + item))
capture.answer(userdata(20, TELL + "82 01 01 00 00 0000", "ff 09 000a 0001 ff 04 0020 01020304"))
capture.answer(userdata(0, MORE + "02 01 01 00 00 0000", "ff 09 000a 0001 ff 04 0020 01020305"))
capture.ask(userdata(21, ASK + "42 04 00", "ff 09 0002 05 01"))
capture.answer(userdata(21, TELL + "82 04 01 00 00 0000", "0a 00 0000"))

# Programmer commands: show M0 to M5, then modify MW 10.
status = "0014 0008" + "00" * 20 + "0001 01 06 0000 0000"
capture.ask(userdata(22, TELL + "41 02 00 00 00 0000", "ff 09 0020" + status))
capture.answer(userdata(0, MORE + "01 02 02 00 00 0000", "ff 09 0014 0004 000c 0100 0001 0001 ff 09 0006 010203040506"))
modify = "0014 000e" + "00" * 20 + "0001 02 01 0000 000a ff 09 0002 1234"
capture.ask(userdata(23, TELL + "41 08 00 00 00 0000", "ff 09 0026" + modify))
capture.answer(userdata(0, MORE + "01 08 03 00 00 0000", "ff 09 000c 0004 0004 0100 0001 0001 ff 00"))

# An alarm with two associated values.
alarm = "26 01 02 03 04 05 00 66 00 01 12 0a 16 02 000000af 01 00 ff fe ff 04 0010 0001 ff 04 0008 07"
capture.answer(userdata(0, "000112 04 11 04 05 00", "ff 09 0021" + alarm))
capture.write()
