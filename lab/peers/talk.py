"""What the clients of lab/converse have in common."""

import argparse
import struct


def options_of(about):
    """The command line of a client."""
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("--server", required=True, help="address of the server")
    arguments.add_argument("--address", required=True, help="address of the client")
    arguments.add_argument("--log", required=True, help="journal, JSON lines")
    arguments.add_argument("--seed", type=int, default=1, help="seed of what is asked and of its values")
    arguments.add_argument("--rounds", type=int, default=10, help="how often every kind of exchange is had")
    return arguments.parse_args()


def single(number):
    """The nearest number that 32 bits hold (IEEE 754), so that what was asked is what is sent."""
    return struct.unpack("<f", struct.pack("<f", number))[0]
