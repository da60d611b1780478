"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

def datagram(channel, service=0x40):
    return bytes.fromhex(f"c5 6b 40 {service:02x} 00 43 2ddcc0a80058 83832ddcc0a80059 {channel}")


def stream(channel):
    inner = datagram(channel)
    return bytes.fromhex("e8170100") + (len(inner) + 8).to_bytes(4, "little") + inner


def service(group, number, tags=""):
    content = len(bytes.fromhex(tags)).to_bytes(4, "little").hex()
    return (
        "01 81 0100 01000000 00000000 10000000 00000000 55cd 0c00"
        f" {group:02x}00 {number:02x}00 11000000 {content} {tags}"
    )


third = Conversation(port=11740)
third.ask(stream("c3 00 0101 00000000 01000000 00401f00 05000000"))
third.answer(stream("83 00 0101 00000000 01000000 0000 0100 00401f00 04000000"))
third.ask(stream(service(1, 2, "8101 07 10 05 61646d696e")))
third.answer(stream(service(0x81, 2)))
for number in (0x11, 0x05, 0x10):
    third.ask(stream(service(2, number)))
    third.answer(stream(service(0x82, number)))
third.ask(stream("01 80 0100 02000000 01000000 aabbccdd"))
third.ask(stream("c4 00 0101 00000000 0100 0000"))

name = Conversation(port=1740, client_port=1743, transport="udp")
name.ask(datagram("80c2 0004 01000000", service=3))

second = Conversation(port=2455, client_port=49153)
second.ask("bbbb 01000000 01")
second.ask("bbbb 13000000 2f 01 00 10 0e 00 44454641554c542e505247 00cd")
second.ask("bbbb 08000000 30 00 0400 01020304")
second.ask("cccc 0100 0f00 00000000000000000000 01000000 23100000 31 00 0b00 504c432e6c6f672e7478 00")
second.ask("cccc 0100 0d00 00000000000000000000 01000000 230d0000 92 00000000 73746f70707267 00")
second.ask("6666 0100 0000 00000000000000000000 01000000 06000000")
Conversation.write("capture.pcap")
