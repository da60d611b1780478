"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, put, udp, write

GROUP = "01:1b:19:00:00:00"


def header(of, length, sequence):
    return f"{of:02x} 12 {length:04x} 00 00 0208 0000000000000000 00000000 0200000000000001 0001 {sequence:04x} 00 7f"


put(CLIENT, GROUP, 0x88F7, header(0, 44, 1) + "00" * 10)
put(CLIENT, GROUP, 0x88F7, header(8, 44, 1) + "0000695a3b80 00000007")
put(CLIENT, GROUP, 0x88F7, header(11, 64, 1) + "00000000000000000000 0025 00 80 f8feffff 80 0200000000000001 0000 a0")
put(SERVER, GROUP, 0x88F7, header(1, 44, 9) + "00" * 10)
udp(5, 20, (320, 320), header(13, 56, 2) + "ffffffffffffffff ffff 00 00 01 00 0001 0004 2005 01 00")
put(CLIENT, GROUP, 0x88F7, header(4, 34, 3))
write()
