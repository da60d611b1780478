"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, octets, put, write

GROUP = "01:0e:cf:00:00:00"
ANSWER = "feff 05 01 01000001 0000 0026 0202 0005 0000 706c63 00 0203 0006 0000 002a 0105 0102 000e 0001 0a000014 ffffff00 0a000001"


def send(source, destination, dcp):
    put(source, destination, 0x8892, dcp)


send(CLIENT, GROUP, "fefe 05 00 01000001 0001 0004 ffff 0000")
send(SERVER, CLIENT, ANSWER)
send(CLIENT, SERVER, "fefd 04 00 00000007 0000 000a 0202 0006 0001 70756d70 0000")
send(SERVER, CLIENT, "fefd 04 01 00000007 0000 0008 0504 0003 0202 00 00")
send(CLIENT, SERVER, "fefd 04 00 00000008 0000 0012 0102 000e 0001 0a000015 ffffff00 0a000001")
send(CLIENT, SERVER, "fefd 04 00 00000009 0000 0006 0506 0002 0004")
send(SERVER, CLIENT, "fefd 04 01 00000009 0000 0008 0504 0003 0506 01 00")
send(CLIENT, SERVER, "fefd 03 00 0000000a 0000 0004 0202 0102")
send(SERVER, CLIENT, octets(ANSWER.replace("0026", "0060")))
write()
