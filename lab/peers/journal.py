"""The record of what a client asked and got: one JSON object a line, written as it happens.

Keys: `time` (UTC, when the request was sent), `actor`, `client`, `client_port`, `server`, `protocol`,
`operation`, `function` (the code on the wire), what was touched (`unit`, `area`, `block`, `address`,
`quantity`), `values`, `result` (`ok`, `refused`: the server answered with an error, `timeout`: nothing
came, `failed`: the connection was refused or broke), `answered` (true for ok and refused), `millis`, `detail`.

The clients of lab/converse have `asked` and `got` instead of `address`, `quantity` and `values`: the messages that the client sent
for this operation, and those that came, each an object with what the client knows of it, under the keys of
`fieldwarden decode --json`.
"""

import contextlib
import json
import threading
import time


class Refused(Exception):
    """The server answered, and the answer was no."""


class Journal:
    """Appends records to a file; safe to use from several threads."""

    def __init__(self, path, actor):
        self._file = open(path, "a", encoding="utf-8")
        self._actor = actor
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def request(self, **facts):
        """Times one request. Exceptions become the result; the caller may add facts to what is yielded."""
        record = {"time": timestamp(time.time_ns()), "actor": self._actor, **facts}
        began = time.monotonic()
        try:
            yield record
            record["result"] = "ok"
        except Refused as refusal:
            record.update(result="refused", detail=str(refusal))
        except TimeoutError as silence:
            record.update(result="timeout", detail=str(silence))
        except OSError as fault:
            record.update(result="failed", detail=str(fault))
        record["answered"] = record["result"] in ("ok", "refused")
        record["millis"] = round((time.monotonic() - began) * 1000, 3)
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


def timestamp(nanoseconds):
    """RFC 3339 in UTC with nanoseconds, as captures have it."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
