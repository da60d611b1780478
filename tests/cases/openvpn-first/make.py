"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

talk = Conversation(port=1194)
talk.ask("000e 38 0102030405060708 00 00000000")
talk.answer("001a 40 1112131415161718 01 00000000 0102030405060708 00000000")
talk.ask("0016 28 0102030405060708 01 00000000 1112131415161718")
talk.ask("001b 20 0102030405060708 00 00000001 16 0303 002d 01 000029 0303 0000")
talk.ask("0033 20 0102030405060708 00 00000002" + "00" * 31 + "0002 1301 0100")
talk.answer("0005 30 aabbccdd")
talk.write("capture.pcap")
