"""A Modbus server: modbus_server.py. Registers hold 7 until somebody writes."""
from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

bits = [SimData(0, count=200, values=0, datatype=DataType.BITS)]
words = [SimData(0, count=200, values=7, datatype=DataType.REGISTERS)]
StartTcpServer(context=SimDevice(id=1, simdata=(bits, bits, words, words)), address=("0.0.0.0", 502))
