"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import ipv4, write

QUOTED = "4500001c 00000000 40110000 0a000005 0a000014 c000 0035 0008 0000"
ipv4(5, 20, 1, "0800 4d32 0001 0007 61626364")
ipv4(20, 5, 1, "0000 5532 0001 0007 61626364")
ipv4(20, 5, 1, "0303 0000 00000000" + QUOTED)
ipv4(20, 5, 1, "0501 0000 0a000001" + QUOTED)
ipv4(5, 20, 1, "080000")
write()
