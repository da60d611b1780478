//! One flow: interfaces bound, calls that wait for their answer, fragments of a connectionless call.

use alloc::{collections::VecDeque, vec::Vec};

use super::{
    DCERPC,
    body::{Call, Packet},
    header::{COMMON, Connectionless, Fragment, kind},
    uuid::Uuid,
};
use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    framed::{Extent, Framed},
    message::{Direction, Kind, Message, Sink},
    profinet_cm,
};

/// Interfaces bound on one connection that are kept.
pub(super) const MAX_CONTEXTS: usize = 64;
/// Calls kept until they are answered.
pub(super) const MAX_PENDING: usize = 64;
/// Octets of one connectionless call put together from fragments; PROFINET negotiates at most 64 KiB (ArgsMaximum).
pub(crate) const MAX_CALL: usize = 65_536;

/// A connection over TCP.
#[derive(Debug, Default)]
pub(super) struct StreamSession {
    contexts: Vec<(u16, Uuid)>,
    pending: VecDeque<(u32, Direction, Call)>,
}

impl Framed for StreamSession {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        if bytes.len() < COMMON {
            return Extent::Need(COMMON);
        }
        Fragment::read(bytes).map_or(Extent::No, |fragment| Extent::Whole(fragment.length.into()))
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(fragment) = Fragment::read(message) else { return };
        let mut anomalies: heapless::Vec<Anomaly, 2> = heapless::Vec::new();
        let short = fragment.length < fragment.least();
        if short {
            let (got, least) = (fragment.length.into(), fragment.least().into());
            let _ = anomalies.push(Anomaly::malformed("fragment-short", 8, got, least));
        }
        let call = match fragment.packet {
            kind::BIND | kind::ALTER => {
                if self.bind(&fragment) {
                    let cap = u64::try_from(MAX_CONTEXTS).unwrap_or(u64::MAX);
                    let _ = anomalies.push(Anomaly::limit("contexts", 24, cap + 1, cap));
                }
                None
            }
            kind::REQUEST => fragment.request().map(|(context, operation, ..)| {
                let call = Call { interface: self.interface(context), operation };
                self.remember(direction, fragment.call, call);
                call
            }),
            kind::RESPONSE | kind::FAULT => {
                let found = |(call, towards, _): &(u32, Direction, Call)| {
                    *call == fragment.call && *towards == direction.reversed()
                };
                self.pending.iter().rev().find(|waiting| found(waiting)).map(|(_, _, call)| *call)
            }
            _ => None,
        };
        let packet = Packet::Fragment(fragment, call);
        let kind = if short { Kind::Anomaly } else { packet.kind() };
        sink.message(&Message { protocol: DCERPC, kind, direction, anomalies: &anomalies, body: &packet });
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        Fragment::read(bytes).is_some_and(|fragment| fragment.length >= fragment.least())
    }
}

impl StreamSession {
    fn interface(&self, context: u16) -> Option<Uuid> {
        self.contexts.iter().find(|(known, _)| *known == context).map(|(_, interface)| *interface)
    }

    /// Whether there were more interfaces than are kept.
    fn bind(&mut self, fragment: &Fragment<'_>) -> bool {
        let mut full = false;
        fragment.interfaces(&mut |context, interface, _| {
            if let Some((_, known)) = self.contexts.iter_mut().find(|(known, _)| *known == context) {
                *known = interface;
            } else if self.contexts.len() < MAX_CONTEXTS {
                self.contexts.push((context, interface));
            } else {
                full = true;
            }
        });
        full
    }

    fn remember(&mut self, direction: Direction, call: u32, what: Call) {
        self.pending.retain(|(known, towards, _)| *known != call || *towards != direction);
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back((call, direction, what));
    }
}

/// Datagrams of one pair of ports.
#[derive(Debug, Default)]
pub(crate) struct DatagramSession {
    /// Fragments of the call under way: which call, which packet type, the next fragment, the octets.
    fragments: Option<Fragments>,
}

#[derive(Debug)]
struct Fragments {
    activity: Uuid,
    sequence: u32,
    packet: u8,
    next: u16,
    octets: Vec<u8>,
}

impl Session for DatagramSession {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let Some(header) = Connectionless::read(bytes) else { return Step::GiveUp };
        let cut = header.body.len() < usize::from(header.length);
        let found = u64::try_from(header.body.len()).unwrap_or(u64::MAX);
        let anomaly =
            cut.then(|| Anomaly::malformed("length-beyond-datagram", 74, header.length.into(), found));
        let packet = Packet::Connectionless(header);
        let kind = if cut { Kind::Anomaly } else { packet.kind() };
        let anomalies = anomaly.as_slice();
        sink.message(&Message { protocol: DCERPC, kind, direction, anomalies, body: &packet });
        if profinet_cm::is_interface(header.interface)
            && matches!(header.packet, kind::REQUEST | kind::RESPONSE)
        {
            self.profinet(direction, &header, sink);
        }
        Step::Consumed(bytes.len())
    }

    fn gap(&mut self, _direction: Direction) {
        self.fragments = None;
    }

    fn resynchronise(&self, _direction: Direction, _bytes: &[u8]) -> Option<usize> {
        None
    }
}

impl DatagramSession {
    /// Hands a whole call on; keeps a fragment.
    fn profinet(&mut self, direction: Direction, header: &Connectionless<'_>, sink: &mut dyn Sink) {
        let Some(last) = header.fragmented() else {
            profinet_cm::tell(direction, header, header.body, sink);
            return;
        };
        let fits = |kept: &Fragments| {
            kept.activity == header.activity
                && kept.sequence == header.sequence
                && kept.packet == header.packet
                && kept.next == header.fragment
                && kept.octets.len() + header.body.len() <= MAX_CALL
        };
        let kept = match self.fragments.take() {
            Some(mut kept) if fits(&kept) => {
                kept.octets.extend_from_slice(header.body);
                kept.next = kept.next.wrapping_add(1);
                kept
            }
            // A fragment sent again leaves what is kept as it is.
            Some(kept) if header.fragment != 0 && header.fragment < kept.next => {
                self.fragments = Some(kept);
                return;
            }
            _ if header.fragment == 0 => Fragments {
                activity: header.activity,
                sequence: header.sequence,
                packet: header.packet,
                next: 1,
                octets: header.body.to_vec(),
            },
            _ => return,
        };
        if last {
            profinet_cm::tell(direction, header, &kept.octets, sink);
        } else {
            self.fragments = Some(kept);
        }
    }
}
