"""Chlorine dosing PLC: a Modbus TCP server (pymodbus) whose readings follow its set-points."""

import argparse
import math
import time

from pymodbus import ModbusDeviceIdentification
from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from plant import (
    CHLORINE_SET_POINT,
    COIL_COUNT,
    HOLDING_COUNT,
    HOLDING_START,
    INPUT_COUNT,
    MODBUS_PORT,
    MODBUS_UNIT,
    PUMP_SPEED,
)

READ_INPUT_REGISTERS = 4


class Dosing:
    """The process behind the registers. It sees every access; reads of inputs get fresh measurements."""

    def __init__(self):
        self._set_point = 100
        self._speed = 600
        self._residual = 100.0
        self._seen = time.monotonic()

    async def on_access(self, function, start, address, _count, registers, values):
        """Called by the server before it answers; `registers` is the addressed block itself."""
        if function == READ_INPUT_REGISTERS:
            registers[:INPUT_COUNT] = self._measure()
        elif start == HOLDING_START and values:
            for offset, value in enumerate(values):
                self._set(address + offset, value)

    def _set(self, address, value):
        if address == CHLORINE_SET_POINT:
            self._set_point = value
        elif address == PUMP_SPEED:
            self._speed = value

    def _measure(self):
        now = time.monotonic()
        # The residual follows the set-point with a time constant of 20 s.
        self._residual += (self._set_point - self._residual) * (1 - math.exp((self._seen - now) / 20))
        self._seen = now
        return [
            round(self._residual),
            3200 + round(150 * math.sin(now / 60)),
            420 + round(15 * math.sin(now / 7)),
            880 - int(now / 30) % 400,
            self._speed + round(4 * math.sin(now)),
            121 + round(3 * math.sin(now / 90)),
            85 + round(10 * math.sin(now / 11)),
            742 + round(5 * math.sin(now / 13)),
        ]


def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "Lab", "ProductCode": "DOSE-1", "MajorMinorRevision": "1.0", "ProductName": "Chlorine dosing PLC"}
    )
    bits = [SimData(0, count=COIL_COUNT, values=False, datatype=DataType.BITS)]
    contacts = [SimData(0, values=[True, False] * (COIL_COUNT // 2), datatype=DataType.BITS)]
    holding = [100, 600, 200, 20, 1] + [0] * (HOLDING_COUNT - 5)
    device = SimDevice(
        id=MODBUS_UNIT,
        simdata=(
            bits,
            contacts,
            [SimData(HOLDING_START, values=holding, datatype=DataType.REGISTERS)],
            [SimData(0, values=[0] * INPUT_COUNT, datatype=DataType.REGISTERS)],
        ),
        action=Dosing().on_access,
    )
    StartTcpServer(context=device, identity=identity, address=(options.address, MODBUS_PORT))


if __name__ == "__main__":
    main()
