//! What is remembered of configuration frames: without it data frames have no structure.

use alloc::vec::Vec;

use super::configuration::{Shape, Station};

/// Streams remembered per flow; the oldest is forgotten for a new one.
pub(super) const MAX_STREAMS: usize = 8;
/// Stations remembered per stream; the data of further ones are not told.
pub(super) const MAX_STATIONS: usize = 128;

/// Conversion factors of phasors remembered per stream; whole numbers of further ones are told as octets.
pub(super) const MAX_FACTORS: usize = 1_024;

/// The stations of one stream.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) stations: Vec<Shape>,
    /// Of phasors in whole numbers, station after station.
    factors: Vec<f64>,
}

/// The stations of a stream whose configuration was not seen.
static NONE: Layout = Layout { stations: Vec::new(), factors: Vec::new() };

impl Layout {
    /// The factor of a phasor by its place among those in whole numbers.
    pub(super) fn factor(&self, place: usize) -> Option<f64> {
        self.factors.get(place).copied()
    }

    /// Adds a station. Whether there was room.
    fn add(&mut self, station: &Station<'_>) -> bool {
        if self.stations.len() >= MAX_STATIONS {
            return false;
        }
        self.stations.push(station.shape);
        if !station.shape.float_phasors() {
            let room = MAX_FACTORS - self.factors.len();
            self.factors.extend(station.factors().take(room));
        }
        true
    }
}

/// The stations of the streams of one flow.
#[derive(Debug, Default)]
pub(super) struct Layouts(Vec<(u16, Layout)>);

impl Layouts {
    /// Remembers the stations of a stream. Whether there was room for all.
    pub(super) fn set(&mut self, stream: u16, stations: impl FnOnce(&mut dyn FnMut(&Station<'_>))) -> bool {
        self.0.retain(|(known, _)| *known != stream);
        if self.0.len() >= MAX_STREAMS {
            self.0.remove(0);
        }
        let (mut kept, mut room) = (Layout::default(), true);
        stations(&mut |station| room &= kept.add(station));
        self.0.push((stream, kept));
        room
    }

    /// The stations of a stream; none where its configuration was not seen.
    pub(super) fn of(&self, stream: u16) -> &Layout {
        self.0.iter().find(|(known, _)| *known == stream).map_or(&NONE, |(_, layout)| layout)
    }
}
