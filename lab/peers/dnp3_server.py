"""Outstation: a DNP3 server (yadnp3, after opendnp3) that returns every value it was commanded."""

import argparse
import time

import opendnp3
from opendnp3 import CommandStatus, OperationType

from dnp3_files import Files
from dnp3_points import ANALOG_LIMIT, CLOCK_OUTPUT, MASTER, OUTSTATION, POINTS, PORT


class Outputs(opendnp3.ICommandHandler):
    """Takes commands and lets the inputs follow."""

    def __init__(self, station):
        super().__init__()
        self._station, self._operations = station, [0] * POINTS

    def Begin(self):
        pass

    def End(self):
        pass

    def Select(self, command, index):
        if index >= POINTS:
            return CommandStatus.NOT_SUPPORTED
        beyond = not isinstance(command, opendnp3.ControlRelayOutputBlock) and command.value > ANALOG_LIMIT
        return CommandStatus.OUT_OF_RANGE if beyond else CommandStatus.SUCCESS

    def Operate(self, command, index, handler, operate_type):
        status = self.Select(command, index)
        if status != CommandStatus.SUCCESS:
            return status
        if isinstance(command, opendnp3.ControlRelayOutputBlock):
            on = command.opType in (OperationType.LATCH_ON, OperationType.PULSE_ON)
            self._operations[index] += command.count
            double = opendnp3.DoubleBit.DETERMINED_ON if on else opendnp3.DoubleBit.DETERMINED_OFF
            returned = [opendnp3.Binary(on), opendnp3.DoubleBitBinary(double), opendnp3.BinaryOutputStatus(on)]
            returned += [opendnp3.Counter(self._operations[index])]
            self._station.needs_time = self._station.needs_time or index == CLOCK_OUTPUT
        else:
            returned = [opendnp3.Analog(command.value), opendnp3.AnalogOutputStatus(command.value)]
        for measured in returned:
            measured.time = self._station.Now()
            handler.Update(measured, index)
        return status


class Station(opendnp3.IOutstationApplication):
    """Its clock, and its restarts."""

    needs_time = False

    def SupportsWriteAbsoluteTime(self):
        return True

    def WriteAbsoluteTime(self, timestamp):
        self.needs_time = False
        return True

    def SupportsAssignClass(self):
        return True

    def GetApplicationIIN(self):
        indications = opendnp3.ApplicationIIN()
        indications.needTime = self.needs_time
        return indications

    def ColdRestartSupport(self):
        return opendnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def WarmRestartSupport(self):
        return opendnp3.RestartMode.SUPPORTED_DELAY_FINE

    def ColdRestart(self):
        return 45

    def WarmRestart(self):
        return 1200

    def Now(self):
        return opendnp3.DNPTime(time.time_ns() // 1_000_000)


def main():
    """Serves until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--address", required=True)
    options = arguments.parse_args()
    manager = opendnp3.DNP3Manager(1)
    endpoint = opendnp3.IPEndpoint(options.address, PORT)
    channel = manager.AddTCPServer("server", opendnp3.levels.NOTHING, opendnp3.ServerAcceptMode.CloseExisting, endpoint, None)
    config = opendnp3.OutstationStackConfig(opendnp3.DatabaseConfig(POINTS))
    config.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(100)
    config.outstation.params.allowUnsolicited = True
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION, MASTER
    station = Station()
    outputs, files = Outputs(station), Files()
    outstation = channel.AddOutstation("outstation", outputs, station, config, files)
    outstation.Enable()
    print("ready")
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
