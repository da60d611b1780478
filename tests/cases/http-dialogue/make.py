"""Makes capture.pcap. Needs scapy; run it in this folder."""

import sys

sys.path.insert(0, "../modbus-functions")

from scapy.all import wrpcap  # noqa: E402
from wire import Stream, frames  # noqa: E402

stream = Stream(server_port=80)
ask, answer = stream.ask, stream.answer
ask(b"GET /status HTTP/1.1\r\nHost: plc\r\nUser-Agent: curl/8\r\nAuthorization: Basic b3BzOnNlY3JldA==\r\n\r\nHEAD / HTTP/1.0\r\n\r\n")
answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nHTTP\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
ask(b"POST /write HTTP/1.1\r\nHost: plc\r\nContent-Length: 3\r\n\r\na")
ask(b"=1")
answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
ask(b"GET /socket HTTP/1.1\r\nHost: plc\r\nUpgrade: websocket\r\n\r\n")
answer(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello")
wrpcap("capture.pcap", frames)
