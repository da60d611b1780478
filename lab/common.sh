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

# The remains of an earlier lab of that prefix are cleared; somebody else's namespaces are not touched.
clear_remains() {
    local node
    "$LAB_DIR/down" --prefix "$PREFIX" --purge
    for node in "$@"; do
        [[ ! -e "/run/netns/$(ns "$node")" ]] || die "namespace $(ns "$node") exists and is not ours; choose another --prefix"
    done
}

# A namespace of the lab, without IPv6.
add_node() {
    ip netns add "$(ns "$1")"
    echo "$(ns "$1") $(stat -c %i "/run/netns/$(ns "$1")")" >>"$STATE/namespaces"
    in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$(ns "$1")" link set lo up
}

# address NODE INTERFACE ADDRESS: brings an interface up.
address() {
    local hardware
    # Hardware addresses follow from the IP addresses, so that captures read the same each time.
    hardware="$(printf '02:00:%02x:%02x:%02x:%02x' ${3//./ })"
    offloads_off "$1" "$2"
    ip -n "$(ns "$1")" link set "$2" address "$hardware"
    ip -n "$(ns "$1")" address add "$3/24" dev "$2"
    ip -n "$(ns "$1")" link set "$2" up
}

# With an offload on, frames reach a capture with a checksum that was never computed, or glued together.
offloads_off() { in_ns "$1" ethtool -K "$2" tx off rx off sg off tso off gso off gro off >/dev/null 2>&1; }

# say_until NAME TEXT: waits until a process that was started has written a line that begins so.
say_until() {
    for _ in {1..200}; do
        grep -q "^$2" "$STATE/$1.log" 2>/dev/null && return 0
        is_running "$1" || break
        sleep 0.05
    done
    cat "$STATE/$1.log" >&2
    die "$1 did not start"
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
