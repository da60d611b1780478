"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

def tunnelled(packet, kind=1, sequence=0):
    packet = bytes.fromhex(packet)
    header = (len(packet) + 20).to_bytes(2, "big") + bytes([1, kind, 0, 0, 0, 0])
    return header + bytes.fromhex("6b8b4567") + sequence.to_bytes(4, "big") + bytes(4) + packet


talk = Conversation(port=1628, transport="udp")
for sequence, packet in enumerate(
    (
        "01 09 01 aa 01 a9 01 03 810d 00ca",
        "00 09 01 a9 01 aa 01 23",
        "01 19 01 aa 01 a9 01 05 73 02",
        "00 19 01 a9 01 aa 01 25 33 02 00ca",
        "01 31 01 aa 00 01 8001 05",
        "01 19 01 aa 01 a9 01 06 6c 00",
        "01 19 01 aa 01 a9 01 07 6e 00 f000 02 00 aabb",
        "80 00 00 01 00",
    )
):
    talk.ask(tunnelled(packet, sequence=sequence))
talk.ask(tunnelled("", kind=0x63, sequence=9))
Conversation.write("capture.pcap")
