"""Substation: an IEC 60870-5-104 server (c104) that returns every value it was commanded."""

import argparse
import time

import c104

from iec104_points import ANALOG_LIMIT, COMMANDS, COMMON_ADDRESS, MONITORED, PORT, SELECT_FIRST, TABLE, TABLE_COMMAND


def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    server = c104.Server(ip=options.address, port=PORT, tick_rate_ms=50)
    station = server.add_station(common_address=COMMON_ADDRESS)
    for address, kind in MONITORED.items():
        station.add_point(io_address=address, type=kind)
    table = [station.add_point(io_address=address, type=c104.Type.M_ME_NB_1) for address in TABLE]

    def on_command(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
        if isinstance(point.value, float) and point.value > ANALOG_LIMIT:
            return c104.ResponseState.FAILURE
        returned = station.get_point(point.related_io_address)
        follow(returned, point.value)
        returned.transmit(cause=c104.Cot.RETURN_INFO_REMOTE)
        return c104.ResponseState.SUCCESS

    def on_table(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
        for step, cell in enumerate(table):
            cell.value = c104.Int16(int(point.value) + step)
        server.transmit_batch(c104.Batch(cause=c104.Cot.SPONTANEOUS, points=table))
        return c104.ResponseState.SUCCESS

    for address, (kind, related) in COMMANDS.items():
        mode = c104.CommandMode.SELECT_AND_EXECUTE if address in SELECT_FIRST else c104.CommandMode.DIRECT
        point = station.add_point(io_address=address, type=kind, related_io_address=related, command_mode=mode)
        point.on_receive(callable=on_command)
    station.add_point(io_address=TABLE_COMMAND, type=c104.Type.C_SE_NB_1).on_receive(callable=on_table)
    server.start()
    print("ready")
    while True:
        time.sleep(1)


def follow(point, commanded):
    """A step command moves the step position by one; every other value is taken over."""
    if isinstance(commanded, c104.Step):
        step = 1 if commanded == c104.Step.HIGHER else -1
        commanded = c104.Int7(max(-64, min(63, int(point.value) + step)))
    point.value = commanded


if __name__ == "__main__":
    main()
