"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

for port, client_port in ((789, 49152), (10789, 49153)):
    talk = Conversation(port=port, client_port=client_port)
    talk.ask("0004 012b 1b00")
    talk.answer("0015 012b 0300 526564204c696f6e20436f6e74726f6c7300")
    talk.ask("0004 012a 1a00")
    talk.answer("000b 012a 0300 47333130433200")
    talk.ask("0008 0133 0100 00000001")
Conversation.write("capture.pcap")
