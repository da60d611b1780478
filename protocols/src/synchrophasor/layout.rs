//! What is remembered of configuration frames: without it data frames have no structure.

use alloc::vec::Vec;

use super::configuration::Shape;

/// Streams remembered per flow; the oldest is forgotten for a new one.
pub(super) const MAX_STREAMS: usize = 8;
/// Stations remembered per stream; the data of further ones are not told.
pub(super) const MAX_STATIONS: usize = 128;

/// The stations of the streams of one flow.
#[derive(Debug, Default)]
pub(super) struct Layouts(Vec<(u16, Vec<Shape>)>);

impl Layouts {
    /// Remembers the stations of a stream. Whether there was room for all.
    pub(super) fn set(&mut self, stream: u16, stations: impl FnOnce(&mut dyn FnMut(Shape))) -> bool {
        self.0.retain(|(known, _)| *known != stream);
        if self.0.len() >= MAX_STREAMS {
            self.0.remove(0);
        }
        let (mut kept, mut room) = (Vec::new(), true);
        stations(&mut |shape| {
            room = kept.len() < MAX_STATIONS;
            if room {
                kept.push(shape);
            }
        });
        self.0.push((stream, kept));
        room
    }

    /// The stations of a stream; none where its configuration was not seen.
    pub(super) fn of(&self, stream: u16) -> &[Shape] {
        self.0.iter().find(|(known, _)| *known == stream).map_or(&[], |(_, stations)| stations)
    }
}
