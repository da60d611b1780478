"""The station of the IEC 60870-5-104 peers: its information objects, by object address (-101 clause 7.2.5)."""

from c104 import Type

PORT = 2404
COMMON_ADDRESS = 47
STRANGE_STATION = 48  # nobody's
ANALOG_LIMIT = 900.0  # set-points above are refused

# Monitored, without time and with.
MONITORED = {
    1001: Type.M_SP_NA_1, 1002: Type.M_DP_NA_1, 1003: Type.M_ST_NA_1, 1004: Type.M_BO_NA_1,
    1005: Type.M_ME_NA_1, 1006: Type.M_ME_NB_1, 1007: Type.M_ME_NC_1, 1008: Type.M_IT_NA_1,
    1101: Type.M_SP_TB_1, 1102: Type.M_DP_TB_1, 1103: Type.M_ST_TB_1, 1104: Type.M_BO_TB_1,
    1105: Type.M_ME_TD_1, 1106: Type.M_ME_TE_1, 1107: Type.M_ME_TF_1,
}  # fmt: skip
# Commands, each with the object that returns what was set.
COMMANDS = {
    2001: (Type.C_SC_NA_1, 1001), 2002: (Type.C_DC_NA_1, 1002), 2003: (Type.C_RC_NA_1, 1003), 2004: (Type.C_BO_NA_1, 1004),
    2005: (Type.C_SE_NA_1, 1005), 2006: (Type.C_SE_NB_1, 1006), 2007: (Type.C_SE_NC_1, 1007),
    2101: (Type.C_SC_TA_1, 1101), 2102: (Type.C_DC_TA_1, 1102), 2103: (Type.C_RC_TA_1, 1103), 2104: (Type.C_BO_TA_1, 1104),
    2105: (Type.C_SE_TA_1, 1105), 2106: (Type.C_SE_TB_1, 1106), 2107: (Type.C_SE_TC_1, 1107),
}  # fmt: skip
SELECT_FIRST = (2002, 2103)  # executed only after a selection
UNKNOWN_COMMAND = 2999
UNKNOWN_MONITORED = 1999
# Scaled measurements that leave together, in one data unit, whenever the first of them is commanded.
TABLE = range(1201, 1209)
TABLE_COMMAND = 2201
