#!/usr/bin/env python3
"""The switch's tables for net-snmp's agent (pass_persist): Q-BRIDGE-MIB as the state file holds it, made real in an Open vSwitch.

    qbridge_agent.py FOLDER

FOLDER/qbridge.json holds what a switch keeps: `ports` (bridge port to interface), `pvid`, `filtering` and `frames` by bridge
port, `vlans` (`egress`, `forbidden`, `untagged` as hexadecimal lists of ports), `root` (the spanning tree's root port), `lldp`
(neighbours: bridge port, capabilities). `mood` makes it misbehave: `lie` says yes and does nothing; `refuse N` refuses the
N-th set from now, counting down; `stall N` answers the N-th request from now only after four seconds; `endless`
never comes to the end of a table.
An interface carries what its bridge port is set to: alone in its PVID's VLAN untagged, it is an access port of it; a member of
several, a trunk with a native VLAN; a member of none, in a VLAN nobody else is in.
"""
import json
import os
import socket
import sys
import time

FOLDER = sys.argv[1]
STATE = os.path.join(FOLDER, "qbridge.json")
BASE = (1, 3, 6, 1, 2, 1, 17)
BASE_PORT = BASE + (1, 4, 1, 2)
ROOT_PORT = BASE + (2, 7)
HEARD = BASE + (7, 1, 2, 2, 1)
VLAN = BASE + (7, 1, 4, 3, 1)
PORT = BASE + (7, 1, 4, 5, 1)
LLDP = (1, 0, 8802, 1, 1, 2, 1)
LISTS = {2: "egress", 3: "forbidden", 4: "untagged"}
NOBODYS_VLAN = 4000


def load():
    with open(STATE, encoding="utf-8") as file:
        return json.load(file)


def store(state):
    beside = STATE + ".new"
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(beside, STATE)


class Rpc:
    """JSON-RPC to a Unix socket of Open vSwitch, connected anew after a failure."""

    def __init__(self, path):
        self.path, self.socket, self.number = os.path.join(FOLDER, path), None, 0

    def call(self, method, params):
        for last in (False, True):
            try:
                return self.ask(method, params)
            except OSError:
                self.socket = None
                if last:
                    raise

    def ask(self, method, params):
        if self.socket is None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(5)
            self.socket.connect(self.path)
        self.number += 1
        self.socket.sendall(json.dumps({"method": method, "params": params, "id": self.number}).encode())
        text = b""
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                raise OSError("hung up")
            text += piece
            try:
                reply = json.loads(text)
            except ValueError:
                continue
            if reply.get("method") == "echo":
                self.socket.sendall(json.dumps({"result": reply["params"], "error": None, "id": reply["id"]}).encode())
                text = b""
            elif reply.get("id") == self.number:
                return reply["result"]


DATABASE, CONTROL = Rpc("db.sock"), Rpc("vswitchd.ctl")


def is_in(ports, number):
    octets = bytes.fromhex(ports)
    return number <= 8 * len(octets) and bool(octets[(number - 1) // 8] & 0x80 >> (number - 1) % 8)


def make_real(state, number):
    """Gives an interface the VLANs of its bridge port, and waits until the switch has them."""
    pvid = state["pvid"][str(number)]
    egress = sorted(int(v) for v, vlan in state["vlans"].items() if is_in(vlan["egress"], number))
    if len(egress) > 1 or (egress and egress != [pvid]):
        row = {"tag": pvid, "trunks": ["set", egress], "vlan_mode": "native-untagged"}
    else:
        row = {"tag": pvid if egress else NOBODYS_VLAN, "trunks": ["set", []], "vlan_mode": "access"}
    where = [["name", "==", state["ports"][str(number)]]]
    count = {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]]}
    select = {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg", "cur_cfg"]}
    update = {"op": "update", "table": "Port", "where": where, "row": row}
    demanded = DATABASE.call("transact", ["Open_vSwitch", update, count, select])[2]["rows"][0]["next_cfg"]
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if DATABASE.call("transact", ["Open_vSwitch", select])[0]["rows"][0]["cur_cfg"] >= demanded:
            return
        time.sleep(0.002)


def heard(state):
    """Who was heard where, as the switch's own table tells: `port VLAN MAC age`."""
    select = {"op": "select", "table": "Interface", "where": [], "columns": ["name", "ofport"]}
    rows = DATABASE.call("transact", ["Open_vSwitch", select])[0]["rows"]
    numbers = {name: int(number) for number, name in state["ports"].items()}
    ports = {str(row["ofport"]): numbers[row["name"]] for row in rows if row["name"] in numbers}
    for line in CONTROL.call("fdb/show", ["br0"]).splitlines()[1:]:
        port, vlan, mac = line.split()[:3]
        if port in ports:
            index = (int(vlan),) + tuple(int(octet, 16) for octet in mac.split(":"))
            yield HEARD + (2,) + index, ("integer", ports[port])
            yield HEARD + (3,) + index, ("integer", 3)


def table(state, asked):
    rows = {ROOT_PORT + (0,): ("integer", state["root"])}
    for number, name in state["ports"].items():
        number = int(number)
        try:
            rows[BASE_PORT + (number,)] = ("integer", socket.if_nametoindex(name))
        except OSError:
            continue
        rows[PORT + (1, number)] = ("gauge", state["pvid"][str(number)])
        rows[PORT + (2, number)] = ("integer", state["frames"][str(number)])
        rows[PORT + (3, number)] = ("integer", state["filtering"][str(number)])
    for number, vlan in state["vlans"].items():
        rows[VLAN + (1, int(number))] = ("string", f"vlan-{number}")
        for column, name in LISTS.items():
            rows[VLAN + (column, int(number))] = ("octet", bytes.fromhex(vlan[name]).hex(" "))
        rows[VLAN + (5, int(number))] = ("integer", 1)
    for at, (port, capabilities) in enumerate(state["lldp"], 1):
        rows[LLDP + (4, 1, 1, 4, 0, port, at)] = ("integer", 4)
        rows[LLDP + (4, 1, 1, 12, 0, port, at)] = ("octet", bytes.fromhex(capabilities).hex(" "))
        rows[LLDP + (3, 7, 1, 2, port)] = ("integer", 5)
        rows[LLDP + (3, 7, 1, 3, port)] = ("string", state["ports"][str(port)])
    if asked[: len(HEARD)] == HEARD:
        rows.update(heard(state))
    return rows


def number_of(text):
    kind, _, value = text.partition(" ")
    return int(value) if kind in ("gauge", "unsigned", "integer") else None


def octets_of(text):
    """What a set tells of octets: as text between quotation marks where all are printable, as hexadecimal otherwise."""
    kind, _, value = text.partition(" ")
    value = value.strip()
    if kind == "string" and value[:1] == '"':
        return value[1:-1].encode("latin-1")
    return bytes.fromhex(value.strip('"'))


def is_refused(state):
    kind, _, left = state["mood"].partition(" ")
    if kind != "refuse":
        return False
    state["mood"] = f"refuse {int(left) - 1}" if int(left) > 1 else ""
    store(state)
    return int(left) == 1


def change(name, text):
    state = load()
    if is_refused(state):
        return "inconsistent-value"
    if state["mood"] == "lie":
        return "DONE"
    if name[: len(PORT)] == PORT and len(name) == len(PORT) + 2:
        column, number = name[-2:]
        value, row = number_of(text), {1: "pvid", 3: "filtering"}.get(column)
        if row is None or str(number) not in state["ports"]:
            return "not-writable"
        if value is None:
            return "wrong-type"
        if column == 1 and str(value) not in state["vlans"]:
            return "inconsistent-value"
        state[row][str(number)] = value
        changed = [number]
    elif name[: len(VLAN)] == VLAN and len(name) == len(VLAN) + 2 and name[-2] in LISTS:
        vlan = state["vlans"].get(str(name[-1]))
        if vlan is None:
            return "no-creation"
        before, after = vlan[LISTS[name[-2]]], octets_of(text).hex()
        vlan[LISTS[name[-2]]] = after
        if any(is_in(vlan["egress"], int(n)) and is_in(vlan["forbidden"], int(n)) for n in state["ports"]):
            return "inconsistent-value"
        changed = [int(n) for n in state["ports"] if is_in(before, int(n)) != is_in(after, int(n))]
    else:
        return "not-writable"
    store(state)
    for number in changed:
        make_real(state, number)
    return "DONE"


def stall():
    state = load()
    kind, _, left = state["mood"].partition(" ")
    if kind == "stall":
        state["mood"] = f"stall {int(left) - 1}" if int(left) > 1 else ""
        store(state)
        if int(left) == 1:
            time.sleep(4)


def main():
    while line := sys.stdin.readline():
        word = line.strip()
        if word == "PING":
            answer = ["PONG"]
        elif word in ("get", "getnext"):
            stall()
            name = tuple(int(arc) for arc in sys.stdin.readline().strip().strip(".").split("."))
            rows = table(load(), name)
            later = sorted(row for row in rows if row > name) if word == "getnext" else [name] * (name in rows)
            answer = ["NONE"]
            if load()["mood"] == "endless" and len(name) > len(BASE) + 2:
                answer = ["." + ".".join(map(str, name[:-1] + (name[-1] + 1,))), "octet", "00 " * 999 + "00"]
            elif later:
                kind, value = rows[later[0]]
                answer = ["." + ".".join(map(str, later[0])), kind, str(value)]
        elif word == "set":
            stall()
            name = tuple(int(arc) for arc in sys.stdin.readline().strip().strip(".").split("."))
            answer = [change(name, sys.stdin.readline().rstrip("\n"))]
        else:
            # After the value of a set comes an empty line, which wants no answer.
            continue
        print("\n".join(answer), flush=True)


main()
