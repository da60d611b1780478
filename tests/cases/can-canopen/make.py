"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CAN, frames, octets, write


def send(identifier, data):
    data = octets(data)
    frames.append(identifier.to_bytes(4, "big") + bytes((len(data), 0, 0, 0)) + data)


send(0x000, "01 00")
send(0x605, "2b 1710 00 e8030000")
send(0x585, "60 1710 00 00000000")
send(0x605, "40 0010 00 00000000")
send(0x585, "80 0010 00 00000206")
send(0x185, "0102")
send(0x705, "05")
send(0x40000185, "")
send(0x98FEE900, "ffffffff")
write(CAN)
