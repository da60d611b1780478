"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, put, write

put(CLIENT, SERVER, 0x8892, "8000 01020304" + "00" * 36 + "1000 35 00")
put(SERVER, CLIENT, 0x8892, "8001 05060708" + "00" * 36 + "1000 35 00")
put(SERVER, CLIENT, 0x8892, "8001 00000000" + "00" * 36 + "1020 25 00")
put(SERVER, CLIENT, 0x8892, "fe01 0001 0003 11 11 ffff fffe 0016 0002 0012 0100 0001 00000000 0002 0001 00000000 0000")
put(SERVER, "01:80:c2:00:00:0e", 0x8892, "ff40 " + "00" * 44)
put(CLIENT, SERVER, 0x8892, "fd00 " + "00" * 44)
write()
