"""Makes capture.pcap. Run it in this folder."""

import struct
import sys

sys.path.insert(0, "../dnp3-outstation")

from wire import Capture  # noqa: E402


def datagram(function, sequence, answered, *messages):
    octets = struct.pack("<HHHII", 14, len(messages), function, sequence, answered)
    for text in messages:
        inside = bytes.fromhex(text)
        octets += struct.pack("<I", len(inside) + 4) + inside
    return octets


def names(*texts):
    return bytes([len(texts)]).hex() + b"".join(text.encode() + b"\0" for text in texts).hex()


c = Capture(1234, udp=True)
c.ask(datagram(6, 1, 0, "0c 07000000 a0 00 04 03d001 0f" + names("@GV.Tank1Level", "@GV.DosePump")))
c.answer(datagram(5, 1, 1, "0c 07000000 00 02 00 00 05 00 2477"))
c.ask(datagram(0, 0, 1))  # acknowledged
c.ask(datagram(6, 2, 1, "0c 08000000 a0 00 80 2477 0f 01 0011 0a"))  # a write
c.answer(datagram(5, 2, 2, "0c 08000000 00 00"))
c.ask(datagram(6, 3, 2, "0c 09000000 a0 00 04 03d001 0f" + names("@GV.A"), "0c 0a000000 a0 00 70 00"))  # two, one unknown
c.ask(datagram(6, 4, 2, "0c 0b000000 a0 00 04 03d001 0f" + names("@GV.B"))[:-3])  # cut short
c.write()
