"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, put, write

UNIT = "020704 020000000005 040507 706f7274 06020014 0a04 53572d31 0e04 0014 0004 100c 05010a00000102 00000001 00 fe04 000ecf02 0000"
put(CLIENT, "01:80:c2:00:00:0e", 0x88CC, UNIT)
put(CLIENT, "01:80:c2:00:00:0e", 0x88CC, UNIT.replace("0a04", "0bff"))
write()
