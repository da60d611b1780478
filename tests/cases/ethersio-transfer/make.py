"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

talk = Conversation(port=6060, client_port=6060, transport="udp")
for number in range(3):
    talk.ask(f"4553494f 0001 0000 0022 {number:04x} 000000{number:02x} 0000000d 01 00 0000005c 00000001 0002 3{number}ff")
    talk.answer(
        f"4553494f 0001 0000 002e {number:04x} 000000{number:02x} 00000001 02 00"
        f" 00000005 0000000d 0001 8{number} 00000006 0000000d 0003 0102{number:02x}"
    )
talk.answer("4553494f 0002 0000 0018 0000 0001 000c 00000001 00 01 01 00")
talk.ask("4553494f 0001 0000 0022 0007 00000018 0000000d 01 00 0000005c 00000001 0009 30ff")
talk.ask("4553494f 0001 0000 0040 0007 00000018 0000000d 01 00 0000005c 00000001 0002 30ff")
talk.write("capture.pcap")
