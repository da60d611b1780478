"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import ALL, CLIENT, octets, put, write

BACK = "02:00:00:00:00:07"  # what comes back has another source


def send(source, *datagrams, cut=0):
    inside = octets(" ".join(datagrams))
    frame = (len(inside) | 0x1000).to_bytes(2, "little") + inside
    put(source, ALL, 0x88A4, frame[: len(frame) - cut])


send(CLIENT, "05 00 0210 2001 0200 0000 0800 0000")
send(BACK, "05 00 0210 2001 0200 0000 0800 0100")
send(CLIENT, "07 00 0000 3001 0280 0000 0000 0000", "0c 01 00000100 0400 0000 01020304 0000")
send(BACK, "07 00 0500 3001 0280 0000 0800 0500", "0c 01 00000100 0400 0000 05060708 0300")
send(CLIENT, "05 00 0210 0010 1000 0000 0a00 0000 00 13 0020 2f 121c 00 05000000 0000")
send(CLIENT, "05 00 0210 0010 1200 0000 0a00 0000 00 24 0200 00000000 66772e62 0000 0000")
send(CLIENT, "02 00 0000 0005 6400 0000" + "00" * 100 + "0000", cut=40)
write()
