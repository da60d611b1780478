"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=22)
ask, answer = stream.ask, stream.answer
lists = b"".join(len(text).to_bytes(4, "big") + text for text in (b"curve25519-sha256", b"ssh-ed25519", *[b"aes256-ctr"] * 2, *[b"hmac-sha2-256"] * 2))
payload = b"\x14" + bytes(16) + lists
init = (len(payload) + 5).to_bytes(4, "big") + b"\x04" + payload + bytes(4)
keys = b"\0\0\0\x06\x04\x15" + bytes(4)
ask(b"SSH-2.0-OpenSSH_9.6\r\n")
answer(b"cell 4, authorised use only\r\nSSH-2.0-dropbear_2022.83\r\n")
ask(init)
answer(init)
ask(keys + b"encrypted")
answer(keys)
ask(b"more of it")
wrpcap("capture.pcap", frames)
