"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

talk = Conversation(port=1911)
talk.ask(b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n")
talk.answer(
    b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nid=i:34\nhostName=s:10.0.0.20\napp.name=s:Station\n"
    b"app.version=s:3.7.106.5\nsysInfo=o:bog 13[<b>\n};;\n</b>\n]\nstation.name=s:Pumps\n};;\n"
)
talk.ask(b"fox s 2 -1 station loadSlots\n{\nord=s:slot:/Pumps\n};;\nfox s 3 -1 station invoke\n{\nord=s:slot:/Pumps/P1/stop\n};;\n")
talk.answer(b"fox r 1 2 station loadSlots\n{\nslots=b:9[\x00\x01\n};;\n\x02\x03]\n};;\nfox r 2 3 station invoke\n{\n};;\n")
talk.ask(b"fox s 4 -1 file get\n{\nord=s:file:^config.bog\n};;\n")
talk.answer(b"fox e 3 4 file get\n{\n};;\n")

other = Conversation(port=8911, client_port=49153)
other.ask(b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n")
other.answer(b"fox a 1 -1 fox rejected\n{\n};;\n")
Conversation.write("capture.pcap")
