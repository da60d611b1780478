"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, put, write


def send(source, destination, h1):
    put(source, destination, 0, "fe fe 03 00 04 f0 0102 80" + h1)


send(CLIENT, SERVER, "5335 10 01 03 05 03 08 01 03 0000 0002 ff 02")
send(SERVER, CLIENT, "5335 10 01 03 06 0f 03 00 ff 07 0000000000 0302 0059")
send(CLIENT, SERVER, "5335 10 01 03 03 03 08 02 00 0007 0002 ff 02 a1b2")
send(SERVER, CLIENT, "5335 10 01 03 04 0f 03 00 ff 07 0000000000")
send(CLIENT, SERVER, "5335 10 01 03 03 03 08 01 09 0000 0001 ff 02 0001")
send(SERVER, CLIENT, "5335 10 01 03 04 0f 03 03 ff 07 0000000000")
write()
