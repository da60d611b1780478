"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, SERVER, put, write

GROUP = "01:0c:cd:01:00:01"


def element(tag, content):
    return bytes((tag, len(content))) + content


def publish(sender, state, sequence, closed, cut=0):
    values = element(0x83, bytes((closed,))) + element(0x84, b"\x03\x00\x00") + element(0x87, b"\x08\x43\x73\x28\xf8")
    names = ((0x80, b"CTRL/LLN0$GO$trip"), (0x81, b"\x07\xd0"), (0x82, b"CTRL/LLN0$trip"), (0x83, b"trip"))
    rest = ((0x84, bytes(8)), (0x85, bytes((state,))), (0x86, bytes((sequence,))), (0x87, b"\0"), (0x88, b"\1"))
    rest += ((0x89, b"\0"), (0x8A, b"\3"), (0xAB, values))
    apdu = element(0x61, b"".join(element(tag, content) for tag, content in names + rest))
    frame = b"\x30\x01" + (len(apdu) + 8).to_bytes(2, "big") + bytes(4) + apdu
    put(sender, GROUP, 0x88B8, frame[: len(frame) - cut])


publish(CLIENT, 7, 2, 0)
publish(CLIENT, 7, 3, 0)
publish(CLIENT, 8, 0, 1)
publish(CLIENT, 90, 0, 0)  # not the true publisher, though it uses its address
publish(CLIENT, 8, 1, 1)
publish(SERVER, 1, 1, 1)  # another publisher of its own
publish(CLIENT, 8, 2, 1, cut=9)
write()
