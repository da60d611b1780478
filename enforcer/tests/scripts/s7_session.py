"""Reads, writes and stops with snap7 and tells what was answered: s7_session.py SERVER."""
import sys

import snap7

STEPS = {
    "read": lambda client: bytes(client.db_read(1, 0, 4)).hex(),
    "write": lambda client: client.db_write(1, 0, bytearray(b"\x01\x02\x03\x04")),
    "stop": lambda client: client.plc_stop(),
    "download": lambda client: client.download(bytearray(b"\x70\x70" + bytes(60)), 1),
}
for name in ["read", "read", "write", "read", "stop", "read", "download", "read"]:
    client = snap7.client.Client()
    client.set_param(snap7.type.Parameter.RecvTimeout, 600)
    try:
        client.connect(sys.argv[1], 0, 1, 102)
        print(name, STEPS[name](client) or "done", flush=True)
    except Exception:
        print(name, "refused", flush=True)
    finally:
        try:
            client.disconnect()
        except Exception:
            pass
