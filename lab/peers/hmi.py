"""Control room HMI: polls both controllers and now and then sets a point, as an operator does.

One request per period and controller, in a fixed round, so that each screen item has a steady rhythm.
Every request is journaled, answered or not. A request without answer is not repeated: the next one in
the round follows, over a new connection if the old one broke.
"""

import argparse
import logging
import random
import signal
import struct
import threading
import time

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException

from journal import Journal, Refused
from plant import (
    BACKWASH_MINUTES_AT,
    BACKWASH_RANGE,
    CHLORINE_RANGE,
    CHLORINE_SET_POINT,
    COIL_COUNT,
    DB_MEASUREMENTS,
    DB_SET_POINTS,
    FILTER_RATE_AT,
    FILTER_RATE_RANGE,
    FLUSHING_VALVE,
    HOLDING_START,
    INPUT_COUNT,
    MODBUS_UNIT,
    PUMP_RANGE,
)
from s7_session import S7Session

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class ModbusScreen:
    """The dosing page: four polls, four ways to write."""

    def __init__(self, host, journal, options):
        self.period, self._host, self._journal = options.period, host, journal
        self._client = ModbusTcpClient(host, timeout=options.timeout, retries=0)
        self.polls = [
            lambda: self._read(3, self._client.read_holding_registers, HOLDING_START, 10),
            lambda: self._read(4, self._client.read_input_registers, 0, INPUT_COUNT),
            lambda: self._read(1, self._client.read_coils, 0, COIL_COUNT),
            lambda: self._read(2, self._client.read_discrete_inputs, 0, COIL_COUNT),
        ]

    def writes(self, dice):
        """Set-points without end: first the ends of each range, then anything between."""
        alone, paired, speed = (values(dice, limits) for limits in (CHLORINE_RANGE, CHLORINE_RANGE, PUMP_RANGE))
        valve_open = False
        while True:
            yield lambda: self._write_register(CHLORINE_SET_POINT, next(alone))
            yield lambda: self._write_registers(CHLORINE_SET_POINT, [next(paired), next(speed)])
            valve_open = not valve_open
            yield lambda: self._write_coil(FLUSHING_VALVE, valve_open)

    def close(self):
        """Closes the connection; the next request opens a new one."""
        self._client.close()

    def _read(self, function, action, address, quantity):
        with self._request("read", function, address, quantity) as record:
            answer = self._answer(record, lambda: action(address, count=quantity, device_id=MODBUS_UNIT))
            found = answer.registers or [int(bit) for bit in answer.bits]
            record["values"] = found[:quantity]

    def _write_register(self, address, value):
        with self._request("write", 6, address, 1, values=[value]) as record:
            self._answer(record, lambda: self._client.write_register(address, value, device_id=MODBUS_UNIT))

    def _write_registers(self, address, new):
        with self._request("write", 16, address, len(new), values=new) as record:
            self._answer(record, lambda: self._client.write_registers(address, new, device_id=MODBUS_UNIT))

    def _write_coil(self, address, value):
        with self._request("write", 5, address, 1, values=[int(value)]) as record:
            self._answer(record, lambda: self._client.write_coil(address, value, device_id=MODBUS_UNIT))

    def _request(self, operation, function, address, quantity, **facts):
        return self._journal.request(
            server=self._host, protocol="modbus", operation=operation, function=function, unit=MODBUS_UNIT,
            address=address, quantity=quantity, **facts,
        )  # fmt: skip

    def _answer(self, record, ask):
        """The library's exceptions in the journal's words."""
        if not self._client.connect():
            raise ConnectionError("no connection")
        record["client"], record["client_port"] = self._client.socket.getsockname()
        try:
            answer = ask()
        except ConnectionException as fault:
            self.close()
            raise ConnectionError(str(fault)) from fault
        except ModbusException as silence:
            self.close()
            raise TimeoutError(str(silence)) from silence
        if answer.isError():
            raise Refused(f"exception {answer.exception_code}")
        return answer


class S7Screen:
    """The filter page: measurements and set-points read, two set-points written."""

    def __init__(self, host, journal, options):
        self.period = options.s7_period
        self._session = S7Session(host, options.timeout, journal)
        self.polls = [
            lambda: self._read(DB_MEASUREMENTS, 0, 20),
            lambda: self._read(DB_SET_POINTS, 0, 10),
        ]

    def writes(self, dice):
        """Filter rate and time between backwashes, in turn."""
        rates, minutes = values(dice, FILTER_RATE_RANGE), values(dice, BACKWASH_RANGE)
        while True:
            yield lambda: self._write(FILTER_RATE_AT, struct.pack(">f", next(rates)))
            yield lambda: self._write(BACKWASH_MINUTES_AT, struct.pack(">h", next(minutes)))

    def close(self):
        """Closes the connection; the next request opens a new one."""
        self._session.close()

    def _read(self, block, address, size):
        facts = {"operation": "read", "function": 4, "area": "DB", "block": block, "address": address, "quantity": size}
        self._session.call(lambda client: client.db_read(block, address, size), **facts)

    def _write(self, address, data):
        facts = {"operation": "write", "function": 5, "area": "DB", "block": DB_SET_POINTS}
        facts |= {"address": address, "quantity": len(data), "values": data.hex()}
        self._session.call(lambda client: client.db_write(DB_SET_POINTS, address, bytearray(data)), **facts)


def values(dice, limits):
    """Both ends of a range, then random values within; whole numbers if the ends are."""
    low, high = limits
    yield low
    yield high
    while True:
        yield dice.randint(low, high) if isinstance(low, int) else round(dice.uniform(low, high), 1)


def work(screen, options, stop):
    """Runs one screen until told to stop: a poll each period, a write each `write_every` seconds."""
    writes = screen.writes(random.Random(options.seed))
    began = due = time.monotonic()
    next_write = began + options.write_every
    reconnect_at = began + options.reconnect_after if options.reconnect_after else None
    turn = 0
    while not stop.wait(max(0.0, due - time.monotonic())):
        screen.polls[turn % len(screen.polls)]()
        turn += 1
        now = time.monotonic()
        if now >= next_write:
            next(writes)()
            next_write += options.write_every
        if reconnect_at and now >= reconnect_at:
            screen.close()
            reconnect_at = None
        # After a long silence the rhythm starts anew instead of catching up in a burst.
        due = max(due + screen.period, now)
    screen.close()


def main():
    """Works until SIGTERM or until `--duration` is over."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--modbus", required=True, help="address of the dosing PLC")
    arguments.add_argument("--s7", required=True, help="address of the filter PLC")
    arguments.add_argument("--log", required=True, help="journal, JSON lines")
    arguments.add_argument("--period", type=float, default=0.2, help="seconds between Modbus polls")
    arguments.add_argument("--s7-period", type=float, default=0.5, help="seconds between S7 polls")
    arguments.add_argument("--write-every", type=float, default=4.0, help="seconds between writes, per PLC")
    arguments.add_argument("--timeout", type=float, default=1.0, help="seconds to wait for an answer")
    arguments.add_argument("--duration", type=float, help="seconds to work; default: until stopped")
    arguments.add_argument("--reconnect-after", type=float, help="close and reopen both connections once, after this many seconds")
    arguments.add_argument("--seed", type=int, default=1, help="seed of the set-points")
    options = arguments.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    journal = Journal(options.log, "hmi")
    screens = [ModbusScreen(options.modbus, journal, options), S7Screen(options.s7, journal, options)]
    threads = [threading.Thread(target=work, args=(screen, options, stop)) for screen in screens]
    for thread in threads:
        thread.start()
    stop.wait(options.duration)
    stop.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
