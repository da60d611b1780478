"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import ALL, CLIENT, put, write

put(CLIENT, ALL, 0x88CD, "00 84 12345678" + "00" * 40)
put(CLIENT, ALL, 0x88CD, "00 04 12345678" + "00" * 40)
put(CLIENT, ALL, 0x88CD, "40 04 12345678" + "01" * 40)
put(CLIENT, ALL, 0x88CD, "c1 04 12345678" + "01" * 40)
put(CLIENT, ALL, 0x88CD, "00 09 12345678" + "00" * 40)
write()
