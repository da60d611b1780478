"""An S7 controller: s7_server.py. Data block 1 has 256 octets."""
import time

from snap7.server import Server
from snap7.type import SrvArea

server = Server(log=False)
server.register_area(SrvArea.DB, 1, bytearray(256))
server.start(tcp_port=102)
while True:
    time.sleep(1)
