//! Fragments out of transport segments (IEEE 1815 clause 8).

use alloc::vec::Vec;

/// The longest fragment that is put together, in octets. The standard asks of devices no more than 2,048 (clause 4.1.3).
pub(super) const MAX_FRAGMENT: usize = 16_384;
/// Fragments put together at the same time in one flow: a serial line behind it may have many stations.
pub(super) const MAX_ASSEMBLIES: usize = 16;

/// The end bit of a transport octet.
const FIN: u8 = 0x80;
/// The first bit of a transport octet.
const FIR: u8 = 0x40;

/// What one more segment made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Made<'a> {
    /// A fragment that the segment held whole.
    Whole(&'a [u8]),
    /// A fragment put together.
    Joined(Vec<u8>),
    /// More follow.
    Waiting,
    /// Nothing waits for it: told is the transport octet.
    NoFirst(u8),
    /// Nothing waits for it, and what it follows may have been lost on the way to us.
    Torn,
    /// Its number does not follow: told and expected. What waited is dropped.
    OutOfSequence(u8, u8),
    /// The fragment is longer than [`MAX_FRAGMENT`]: this many octets so far, all dropped.
    TooLong(usize),
    /// Other fragments wait already, [`MAX_ASSEMBLIES`] of them: the oldest was dropped for it.
    Displaced,
}

#[derive(Debug)]
struct Assembly {
    link: (u16, u16),
    sequence: u8,
    octets: Vec<u8>,
}

/// The fragments of one direction that wait for more, by the addresses of their link.
#[derive(Debug, Default)]
pub(super) struct Assemblies {
    waiting: Vec<Assembly>,
    /// Once octets were lost, the links on which a fragment began since: on others its first segment may be what was lost.
    sound: Option<heapless::Vec<(u16, u16), MAX_ASSEMBLIES>>,
}

impl Assemblies {
    /// Takes the user data of a frame from `source` to `destination`.
    pub(super) fn push<'a>(&mut self, source: u16, destination: u16, data: &'a [u8]) -> Option<Made<'a>> {
        let (control, segment) = data.split_first()?;
        let link = (source, destination);
        let at = self.waiting.iter().position(|assembly| assembly.link == link);
        if control & FIR != 0 {
            self.began(link);
            if let Some(at) = at {
                self.waiting.remove(at);
            }
            if control & FIN != 0 {
                return Some(Made::Whole(segment));
            }
            let displaced = self.waiting.len() >= MAX_ASSEMBLIES;
            if displaced {
                self.waiting.remove(0);
            }
            self.waiting.push(Assembly { link, sequence: control & 0x3f, octets: segment.to_vec() });
            return Some(if displaced { Made::Displaced } else { Made::Waiting });
        }
        let Some(at) = at else {
            let torn = self.sound.as_ref().is_some_and(|sound| !sound.contains(&link));
            return Some(if torn { Made::Torn } else { Made::NoFirst(*control) });
        };
        Some(self.more(at, *control, segment))
    }

    fn more(&mut self, at: usize, control: u8, segment: &[u8]) -> Made<'static> {
        let Some(assembly) = self.waiting.get_mut(at) else { return Made::NoFirst(control) };
        let expected = assembly.sequence.wrapping_add(1) & 0x3f;
        if control & 0x3f == assembly.sequence && assembly.octets.ends_with(segment) {
            // Clause 8.2.2.4: a segment sent twice is taken once.
            return Made::Waiting;
        }
        if control & 0x3f != expected {
            self.waiting.remove(at);
            return Made::OutOfSequence(control & 0x3f, expected);
        }
        assembly.sequence = expected;
        let length = assembly.octets.len() + segment.len();
        if length > MAX_FRAGMENT {
            self.waiting.remove(at);
            return Made::TooLong(length);
        }
        assembly.octets.extend_from_slice(segment);
        if control & FIN == 0 { Made::Waiting } else { Made::Joined(self.waiting.remove(at).octets) }
    }

    /// A fragment begins on a link.
    fn began(&mut self, link: (u16, u16)) {
        let full =
            self.sound.as_mut().is_some_and(|sound| !sound.contains(&link) && sound.push(link).is_err());
        if full {
            // More links than are kept apart: they are held to the standard again, all of them.
            self.sound = None;
        }
    }

    /// Whether a fragment waits for more.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Octets may be missing: what comes next may follow a segment that was lost.
    pub(super) fn doubt(&mut self) {
        self.sound = Some(heapless::Vec::new());
    }

    /// Octets are missing: nothing that waits can be trusted.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.doubt();
    }
}
