"""Reads and writes with pymodbus and tells what was answered: modbus_session.py SERVER."""
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

client = ModbusTcpClient(sys.argv[1], timeout=0.5, retries=0)
for name in ["read", "write", "read", "writes", "read", "coil", "read"]:
    try:
        client.connect()
        answer = {
            "read": lambda: client.read_holding_registers(10, count=4, device_id=1),
            "write": lambda: client.write_register(10, 99, device_id=1),
            "writes": lambda: client.write_registers(11, [1, 2], device_id=1),
            "coil": lambda: client.write_coil(3, True, device_id=1),
        }[name]()
        print(name, "error" if answer.isError() else getattr(answer, "registers", "done"), flush=True)
    except (ModbusException, OSError):
        print(name, "refused", flush=True)
        client.close()
