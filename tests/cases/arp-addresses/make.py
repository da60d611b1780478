"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import ALL, CLIENT, SERVER, put, write

HEAD = "0001 0800 06 04 "
put(CLIENT, ALL, 0x0806, HEAD + f"0001 {CLIENT} 0a000005 000000000000 0a000014")
put(SERVER, CLIENT, 0x0806, HEAD + f"0002 {SERVER} 0a000014 {CLIENT} 0a000005")
put(SERVER, ALL, 0x0806, HEAD + f"0001 {SERVER} 0a000014 {ALL} 0a000014")
put(CLIENT, ALL, 0x8035, HEAD + f"0003 {CLIENT} 00000000 {CLIENT} 00000000")
put(CLIENT, ALL, 0x0806, "0001 0800 28 28 0001" + "00" * 20)
write()
