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

/// The fragments that wait for more, by the addresses of their link.
#[derive(Debug, Default)]
pub(super) struct Assemblies(Vec<Assembly>);

impl Assemblies {
    /// Takes the user data of a frame from `source` to `destination`.
    pub(super) fn push<'a>(&mut self, source: u16, destination: u16, data: &'a [u8]) -> Option<Made<'a>> {
        let (control, segment) = data.split_first()?;
        let link = (source, destination);
        let at = self.0.iter().position(|assembly| assembly.link == link);
        if control & FIR != 0 {
            if let Some(at) = at {
                self.0.remove(at);
            }
            if control & FIN != 0 {
                return Some(Made::Whole(segment));
            }
            let displaced = self.0.len() >= MAX_ASSEMBLIES;
            if displaced {
                self.0.remove(0);
            }
            self.0.push(Assembly { link, sequence: control & 0x3f, octets: segment.to_vec() });
            return Some(if displaced { Made::Displaced } else { Made::Waiting });
        }
        let Some(at) = at else { return Some(Made::NoFirst(*control)) };
        Some(self.more(at, *control, segment))
    }

    fn more(&mut self, at: usize, control: u8, segment: &[u8]) -> Made<'static> {
        let Some(assembly) = self.0.get_mut(at) else { return Made::NoFirst(control) };
        let expected = assembly.sequence.wrapping_add(1) & 0x3f;
        if control & 0x3f == assembly.sequence && assembly.octets.ends_with(segment) {
            // Clause 8.2.2.4: a segment sent twice is taken once.
            return Made::Waiting;
        }
        if control & 0x3f != expected {
            self.0.remove(at);
            return Made::OutOfSequence(control & 0x3f, expected);
        }
        assembly.sequence = expected;
        let length = assembly.octets.len() + segment.len();
        if length > MAX_FRAGMENT {
            self.0.remove(at);
            return Made::TooLong(length);
        }
        assembly.octets.extend_from_slice(segment);
        if control & FIN == 0 { Made::Waiting } else { Made::Joined(self.0.remove(at).octets) }
    }

    /// Octets are missing: nothing that waits can be trusted.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
