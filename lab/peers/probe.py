"""Waits until both controllers answer a real request; exit status 1 and a sentence if they do not."""

import argparse
import struct
import sys
import time

from snap7.client import Client
from snap7.error import S7Error

from modbus_raw import RawModbus
from plant import CHLORINE_SET_POINT, DB_SET_POINTS


def main():
    """Asks the Modbus server first, then the S7 server."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--modbus", required=True)
    arguments.add_argument("--s7", required=True)
    arguments.add_argument("--timeout", type=float, default=10)
    options = arguments.parse_args()
    deadline = time.monotonic() + options.timeout
    until(deadline, "Modbus server", lambda: ask_modbus(options.modbus))
    until(deadline, "S7 server", lambda: ask_s7(options.s7))


def until(deadline, name, question):
    """Repeats the question until it is answered or the time is up."""
    while True:
        try:
            return question()
        except (OSError, S7Error) as fault:
            if time.monotonic() > deadline:
                sys.exit(f"the {name} does not answer: {fault}")
        time.sleep(0.1)


def ask_modbus(host):
    """Reads the chlorine set-point."""
    client = RawModbus(host, timeout=1)
    client.exchange(struct.pack(">BHH", 3, CHLORINE_SET_POINT, 1), {})
    client.close()


def ask_s7(host):
    """Reads the first bytes of the set-points."""
    client = Client()
    client.connect(host, 0, 1)
    client.db_read(DB_SET_POINTS, 0, 4)
    client.disconnect()


if __name__ == "__main__":
    main()
