"""Makes capture.pcap. Run it in this folder."""

import sys

sys.path.insert(0, "../../../lab")

from conversation import Conversation  # noqa: E402

native = Conversation(port=20547)
for frame in (
    "cc01000dc0010000d517",
    "cc01000b4002000047ee",
    "cc01000f40070000eafa",
    "cc010001400e00004c07",
    "cc010004400e00001821",
    "cc010001400e00004c08",
):
    native.ask(frame)


def bind(name, check="0000"):
    name = b"Ade.Remoting.Services." + name + b"\x00"
    return bytes.fromhex(f"010000000000 {len(name):02x}00 000000000000 {check}") + name


remoting = Conversation(port=41100, client_port=49153)
remoting.ask(bind(b"IProConOSControlService2", "cfff"))
remoting.answer("0100 0100 0000 0000 0000 0000 0000 fdff")
remoting.ask(bind(b"IProConOSControlService"))
remoting.answer("0100 0100 0000 0000 0100 0000 0000 fcff")
remoting.ask(bind(b"IDeviceInfoService"))
remoting.answer("0100 0100 0000 0000 0200 0000 0000 fbff")
remoting.ask("0100 0200 0000 0600 0200 0300 0000 0000 01000000 0240")
remoting.answer("0100 0300 0000 0c00 0200 0300 0000 0000 01000000 0409 0000 0310 0001")
remoting.ask("0100 0200 0000 0000 0100 0700 0000 0000")
remoting.answer("0100 0300 0000 0000 0100 0700 0000 0000")
remoting.ask("0100 0200 0000 0200 0100 0600 0000 0000 0100")
remoting.answer("0100 0300 0000 0000 0100 0600 0000 0000")

late = Conversation(port=41100, client_port=49154)
late.ask("0100 0200 0000 0000 0300 0700 0000 0000")
Conversation.write("capture.pcap")
