//! Which dissector takes octets, asked without any state.

use fieldwarden_model::Transport;
use fieldwarden_protocols::{Direction, Dissector, Ports, Probe};

use super::tries::Tries;

/// What dissectors say of octets.
pub(super) enum Verdict {
    /// One takes them.
    Is(&'static dyn Dissector),
    /// Some want more octets before they can tell.
    More,
    /// Nobody.
    No,
}

/// Who reads octets that stand by themselves.
pub(super) fn alone(
    dissectors: &'static [&'static dyn Dissector],
    transport: Transport,
    direction: Direction,
    octets: &[u8],
    ports: Ports,
) -> Option<&'static dyn Dissector> {
    match probe(dissectors, transport, direction, octets, ports, Tries::default()) {
        Verdict::Is(dissector) => Some(dissector),
        Verdict::More | Verdict::No => None,
    }
}

/// What dissectors say of the first octets of a direction, or of a datagram.
pub(super) fn probe(
    dissectors: &'static [&'static dyn Dissector],
    transport: Transport,
    direction: Direction,
    octets: &[u8],
    ports: Ports,
    tries: Tries,
) -> Verdict {
    let mut possible = None;
    let mut more = false;
    let mut more_at_home = false;
    for dissector in dissectors.iter().filter(|dissector| dissector.carried_by(transport)) {
        let at_home = || dissector.well_known(ports.server);
        // An EtherType is no port: what goes under it says so itself.
        if (transport == Transport::Link || tries.are_over()) && !at_home() {
            continue;
        }
        match dissector.probe(direction, octets, ports) {
            Probe::Certain => return Verdict::Is(*dissector),
            Probe::Possible if at_home() => possible = possible.or(Some(*dissector)),
            Probe::Need(_) => (more, more_at_home) = (true, more_at_home || at_home()),
            Probe::Possible | Probe::No => {}
        }
    }
    match possible {
        Some(dissector) if !more_at_home => Verdict::Is(dissector),
        None if !more => Verdict::No,
        _ => Verdict::More,
    }
}

/// The octets of a segment from where a message of the port's protocol certainly begins: the one before may have begun where nobody
/// listened.
pub(super) fn begins_inside<'o>(
    dissectors: &[&dyn Dissector],
    direction: Direction,
    octets: &'o [u8],
    ports: Ports,
) -> Option<&'o [u8]> {
    let home = |dissector: &&&dyn Dissector| {
        dissector.carried_by(Transport::Tcp) && dissector.well_known(ports.server)
    };
    dissectors.iter().filter(home).find_map(|dissector| {
        // The search of a session is held to a cost, whatever octets come; probing at every octet would not be.
        let at = dissector.session(Transport::Tcp).resynchronise(direction, octets)?;
        let rest = octets.get(at..).filter(|_| at > 0)?;
        (dissector.probe(direction, rest, ports) == Probe::Certain).then_some(rest)
    })
}

/// Whether a direction begins with the handshake of TLS 1.0 to 1.3 (RFC 8446 clause 5.1: type 22, version 3.1 to 3.3 or, in
/// a first hello, 3.1).
pub(super) fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [22, 3, 0..=4, _, _, 1 | 2, ..])
}
