"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

identity = bytearray(bytes.fromhex("810600b0000200010000000000020000004c0000000600988295004a0000"))
identity.extend(bytes(176 - len(identity)))
for at, text in ((30, b"ILC 131 ETH"), (66, b"4.42"), (79, b"11/26/15"), (91, b"18:46:55"), (152, b"2700973")):
    identity[at : at + len(text)] = text

talk = Conversation(port=1962)
talk.ask("0101001a 0000 0000 7880 0003 000c 49424554483031 4e305f4d00")
talk.answer("81010014 0000 0001 00000000 0002 0000 004c 0000")
talk.ask("01050016 0001 0000 7880 004c 0000 0006 0004 0295 0000")
talk.answer("81050012 0001 0001 00000000 0002 0000 004c")
talk.ask("0106000e 0002 0000 0000 004c 0400")
talk.answer(bytes(identity))
talk.ask("0105002e 0063 0000 0000 004c 0000 0023 001c 02b0 000c 0000055b4433325d0b466c617368436865636b3101310000")
talk.ask("0111000c 0064 0000 0000 004c")
talk.ask("01050016 0065 0000 0000 004c 0000 0024 0009 0295 0000")
talk.ask("0102000c 006b 0000 0000 004c")
Conversation.write("capture.pcap")
