# shellcheck shell=bash disable=SC2034
# Shared by every script in this folder: names, addresses and the bookkeeping of what a lab owns.
# Sourced, never run. Needs bash with `set -euo pipefail` already on.

LAB_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT_DIR="$(dirname "$LAB_DIR")"
PYTHON="$ROOT_DIR/.venv/bin/python"
PEERS="$LAB_DIR/peers"
PREFIX="${FIELDWARDEN_LAB_PREFIX:-fw}"

PLC1_ADDRESS=10.1.0.10 # Chlorine dosing PLC, Modbus
PLC2_ADDRESS=10.1.0.20 # Filter line PLC, S7
HMI_ADDRESS=10.2.0.10
ROGUE_ADDRESS=10.2.0.66
SOC_ADDRESS=10.3.0.10
SYSLOG_TLS_PORT=6514
NODES=(plc1 plc2 hmi rogue switch gw soc)

die() {
    echo "lab: $*" >&2
    exit 1
}

# Sets PREFIX and the paths that follow from it; a prefix is short because it ends up in namespace names.
use_prefix() {
    [[ "$1" =~ ^[a-z][a-z0-9]{0,11}$ ]] || die "prefix \`$1\` must be a lower-case letter, then up to 11 letters or digits"
    PREFIX="$1"
    STATE="$ROOT_DIR/.lab/$PREFIX"
}

# Takes a leading `--prefix NAME` off the arguments of a script; what is left is in ARGS.
take_prefix() {
    ARGS=()
    if [[ "${1:-}" == --prefix ]]; then
        [[ $# -ge 2 ]] || die "--prefix needs a name"
        PREFIX="$2"
        shift 2
    fi
    use_prefix "$PREFIX"
    ARGS=("$@")
}

need_root() { [[ $EUID -eq 0 ]] || die "needs root, since it makes network namespaces"; }
need_lab() { [[ -f "$STATE/ready" ]] || die "no lab \`$PREFIX\` is up; start it with lab/up --prefix $PREFIX"; }

ns() { echo "$PREFIX-$1"; }
in_ns() {
    local node="$1"
    shift
    ip netns exec "$(ns "$node")" "$@"
}

# A process is known by its pid and the time the kernel started it, so that a pid that was given
# to somebody else in the meantime is never signalled.
start_time() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# start NAME NODE COMMAND...: runs it in the node's namespace with its output in NAME.log.
start() {
    local name="$1" node="$2"
    shift 2
    setsid ip netns exec "$(ns "$node")" "$@" >>"$STATE/$name.log" 2>&1 </dev/null 9>&- &
    local pid=$!
    disown "$pid"
    echo "$pid $(start_time "$pid")" >"$STATE/$name.pid"
}

is_running() {
    local pid started
    [[ -f "$STATE/$1.pid" ]] || return 1
    read -r pid started <"$STATE/$1.pid"
    [[ -n "${started:-}" && "$(start_time "$pid")" == "$started" ]]
}

# stop NAME [SIGNAL]: ends a recorded process, waits for it, and forgets it.
stop() {
    local name="$1" signal="${2:-TERM}" pid
    if is_running "$name"; then
        read -r pid _ <"$STATE/$name.pid"
        kill -s "$signal" "$pid" 2>/dev/null || true
        for _ in {1..100}; do
            is_running "$name" || break
            sleep 0.05
        done
        is_running "$name" && kill -s KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$STATE/$name.pid"
}
