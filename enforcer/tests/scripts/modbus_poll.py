"""Polls over one connection and tells how many polls were answered: modbus_poll.py SERVER POLLS [TIMEOUT [SOURCE]]."""
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

server, polls = sys.argv[1], int(sys.argv[2])
timeout = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
source = (sys.argv[4], 0) if len(sys.argv) > 4 else None
client = ModbusTcpClient(server, timeout=timeout, retries=0, source_address=source)
answered = 0
connected = client.connect()
print("connected" if connected else "refused", flush=True)
for _ in range(polls if connected else 0):
    try:
        answer = client.read_holding_registers(10, count=4, device_id=1)
        answered += not answer.isError()
    except ModbusException:
        client.connect()
print(answered, flush=True)
