"""Filter line PLC: an S7 server (python-snap7) whose measurements stand still while it is stopped."""

import argparse
import logging
import math
import struct
import time

from snap7.server import CPUState, Server
from snap7.type import SrvArea

from plant import DB_MEASUREMENTS, DB_RECIPE, DB_SET_POINTS, MEASUREMENTS_SIZE, RECIPE_SIZE, S7_PORT, SET_POINTS_SIZE


def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING)

    set_points = bytearray(SET_POINTS_SIZE)
    struct.pack_into(">ffh", set_points, 0, 210.0, 1.8, 360)
    measurements = bytearray(MEASUREMENTS_SIZE)
    server = Server(log=False)
    server.register_area(SrvArea.DB, DB_SET_POINTS, set_points)
    server.register_area(SrvArea.DB, DB_MEASUREMENTS, measurements)
    server.register_area(SrvArea.DB, DB_RECIPE, bytearray(RECIPE_SIZE))
    for area in (SrvArea.MK, SrvArea.PE, SrvArea.PA):
        server.register_area(area, 0, bytearray(16))
    server.start_to(options.address, S7_PORT)
    while True:
        if server.cpu_state == CPUState.RUN:
            measure(set_points, measurements)
        time.sleep(0.2)


def measure(set_points, measurements):
    """Flow follows the filter rate set-point; the rest swings slowly around its working value."""
    now = time.monotonic()
    (rate,) = struct.unpack_from(">f", set_points, 0)
    (flow,) = struct.unpack_from(">f", measurements, 0)
    flow += (rate - flow) * 0.05
    pressure, turbidity, level = 0.4 + 0.1 * math.sin(now / 40), 0.08 + 0.01 * math.sin(now / 11), 3.2 + 0.2 * math.sin(now / 60)
    struct.pack_into(">ffffi", measurements, 0, flow, pressure, turbidity, level, int(now))


if __name__ == "__main__":
    main()
