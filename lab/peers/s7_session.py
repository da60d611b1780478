"""An S7 client session that reports like the rest of the lab: time-outs as TimeoutError, refusals as Refused."""

import logging

from snap7.client import Client
from snap7.error import S7ConnectionError, S7Error, S7TimeoutError

from journal import Refused

logging.getLogger("snap7").setLevel(logging.CRITICAL)


class S7Session:
    """One connection, opened when needed and again after a failure. Opening it is journaled by itself."""

    def __init__(self, host, timeout, journal):
        self.host = host
        self._timeout = timeout
        self._journal = journal
        self._client = None

    def call(self, action, **facts):
        """Journals and does `action(client)`; returns its result, or None if there was none."""
        if self._client is None and not self._connect():
            return None
        result = None
        with self._journal.request(**self._address(), server=self.host, protocol="s7comm", **facts) as record:
            result = self._translated(action)
            if isinstance(result, (bytes, bytearray)):
                record["values"] = result.hex()
        return result

    def close(self):
        """Closes the connection, if there is one."""
        if self._client is not None:
            self._client.disconnect()
        self._client = None

    def _connect(self):
        facts = {"server": self.host, "protocol": "s7comm", "operation": "associate", "function": 0xF0}
        with self._journal.request(**facts) as record:
            self._client = Client()
            self._translated(lambda client: client.connect(self.host, 0, 1))
            # The library waits 5 s for an answer; an operator's screen gives up sooner.
            self._client.connection.timeout = self._timeout
            self._client.connection.socket.settimeout(self._timeout)
            record.update(self._address())
        return self._client is not None

    def _address(self):
        address, port = self._client.connection.socket.getsockname()
        return {"client": address, "client_port": port}

    def _translated(self, action):
        """The library hides a time-out behind its connection error; the cause tells them apart."""
        try:
            return action(self._client)
        except (S7ConnectionError, S7TimeoutError, OSError) as fault:
            self.close()
            if isinstance(fault, (S7TimeoutError, TimeoutError)) or "timed out" in str(fault) or "timeout" in str(fault):
                raise TimeoutError(str(fault)) from fault
            raise ConnectionError(str(fault)) from fault
        except S7Error as refusal:
            raise Refused(str(refusal)) from refusal
