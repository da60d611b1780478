"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, put, udp, write

WRITE = "06 11 f0 05 00 01 00 00 00 01 00 01 0800 0000 0610 00 00 e8030000"
put(CLIENT, "01:11:1e:00:00:01", 0x88AB, "01 ff f0 00 00 00 0000000000000000")
put(CLIENT, SERVER, 0x88AB, "03 11 f0 00 00 00 10 00 0800 0102030405060708")
put(SERVER, "01:11:1e:00:00:02", 0x88AB, "04 ff 11 fd 00 00 10 00 0800 0807060504030201")
put(CLIENT, "01:11:1e:00:00:03", 0x88AB, "05 ff f0 fd 00 00 01 11 20")
put(CLIENT, "01:11:1e:00:00:04", 0x88AB, "06 11 f0 04 28 00")
put(CLIENT, SERVER, 0x88AB, WRITE)
put(SERVER, CLIENT, 0x88AB, "06 f0 11 05 01 01 00 00 00 01 80 01 0000 0000")
udp(5, 20, (3819, 3819), WRITE)
udp(20, 5, (3819, 3819), "06 00 00 05 01 01 00 00 00 01 c0 01 0400 0000 00000206")
put(CLIENT, "01:11:1e:00:00:04", 0x88AB, b"\x30\x11\xf0")
write()
