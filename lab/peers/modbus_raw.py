"""A Modbus TCP client that sends any bytes it is told to, for what a well-behaved library refuses to send."""

import socket
import struct

from journal import Refused
from plant import MODBUS_PORT, MODBUS_UNIT


class RawModbus:
    """One connection, opened when needed and again after a failure."""

    def __init__(self, host, timeout, unit=MODBUS_UNIT):
        self.host = host
        self._timeout = timeout
        self._unit = unit
        self._socket = None
        self._transaction = 0

    def exchange(self, pdu, record):
        """Sends a PDU and returns the answer's PDU. Raises Refused on an exception response, else OSError."""
        try:
            self._connect(record)
            self._transaction = (self._transaction % 0xFFFF) + 1
            self._socket.sendall(struct.pack(">HHHB", self._transaction, 0, len(pdu) + 1, self._unit) + pdu)
            answer = self._answer()
        except OSError:
            self.close()
            raise
        if answer[0] & 0x80:
            raise Refused(f"exception {answer[1]}")
        return answer

    def close(self):
        """Closes the connection, if there is one."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _connect(self, record):
        if self._socket is None:
            self._socket = socket.create_connection((self.host, MODBUS_PORT), self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        record["client"], record["client_port"] = self._socket.getsockname()

    def _answer(self):
        """Answers to earlier requests, come too late, are passed over."""
        while True:
            transaction, _, length, _ = struct.unpack(">HHHB", self._exactly(7))
            pdu = self._exactly(length - 1)
            if transaction == self._transaction:
                return pdu

    def _exactly(self, count):
        received = b""
        while len(received) < count:
            piece = self._socket.recv(count - len(received))
            if not piece:
                raise ConnectionResetError("the server closed the connection")
            received += piece
        return received
