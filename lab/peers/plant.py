"""The water works in numbers: what lives where in the two controllers, and what an operator may set.

Addresses are as on the wire: Modbus addresses count from 0, so register 40101 is holding address 100.
"""

MODBUS_PORT = 502
MODBUS_UNIT = 1
S7_PORT = 102

# Chlorine dosing PLC, holding registers.
CHLORINE_SET_POINT = 100  # 40101, mg/l x 100
PUMP_SPEED = 101  # 40102, revolutions per minute
HOLDING_START, HOLDING_COUNT = 100, 20
INPUT_COUNT = 8  # 30001..30008: residual, tank, flow, drum, speed, temperature, turbidity, acidity
COIL_COUNT = 16  # coils 1..16; coil 4 (address 3) is the flushing valve
FLUSHING_VALVE = 3

# What the operator sets in a normal shift, both ends included.
CHLORINE_RANGE = (60, 140)
PUMP_RANGE = (300, 800)
FILTER_RATE_RANGE = (180.0, 240.0)  # m3/h
BACKWASH_RANGE = (240, 480)  # minutes between two backwashes

# Filter line PLC: DB1 holds set-points, DB2 measurements, DB3 the backwash recipe.
DB_SET_POINTS, DB_MEASUREMENTS, DB_RECIPE = 1, 2, 3
FILTER_RATE_AT = 0  # REAL
BACKWASH_PRESSURE_AT = 4  # REAL, bar
BACKWASH_MINUTES_AT = 8  # INT
SET_POINTS_SIZE, MEASUREMENTS_SIZE, RECIPE_SIZE = 32, 32, 1024
