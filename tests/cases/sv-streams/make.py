"""Makes capture.pcap; run it in this folder."""

import sys

sys.path.insert(0, "../goose-states")

from wire import CLIENT, put, write


def element(tag, content):
    return bytes((tag, len(content))) + content


def publish(*counts, cut=0):
    samples = b"".join(value.to_bytes(4, "big", signed=True) + bytes(4) for value in (214, -491, 277, 0, 10, 20, -30, 0))
    asdus = b"".join(
        element(
            0x30,
            element(0x80, b"MU01")
            + element(0x82, count.to_bytes(2, "big"))
            + element(0x83, b"\0\0\0\1")
            + element(0x85, b"\2")
            + element(0x87, samples),
        )
        for count in counts
    )
    inside = element(0x80, bytes((len(counts),))) + b"\xa2\x82" + len(asdus).to_bytes(2, "big") + asdus
    apdu = b"\x60\x82" + len(inside).to_bytes(2, "big") + inside
    frame = b"\x40\x00" + (len(apdu) + 8).to_bytes(2, "big") + bytes(4) + apdu
    put(CLIENT, "01:0c:cd:04:00:01", 0x88BA, frame[: len(frame) - cut])


publish(3998)
publish(3999)
publish(0, 1)
publish(2000)
publish(2)
publish(1000)
publish(1001, cut=30)
write()
