//! Logins refused, by server.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fieldwarden_model::{AddressSpace, FrameRef, Talker, Timestamp};
use fieldwarden_protocols::Protocol;

/// Servers remembered; when full, the sixteenth part that refused longest ago is forgotten.
const MAX_SERVERS: usize = 512;
/// Refusals remembered of one server; the oldest is forgotten first.
const MAX_FAILURES: usize = 64;
/// Frames an alert cites.
const MAX_FRAMES: usize = 8;

type Place = (AddressSpace, Talker, Protocol);

/// Who was refused where.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    servers: BTreeMap<Place, VecDeque<Failure>>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    time: Timestamp,
    client: Talker,
    frame: FrameRef,
}

/// Refusals of one server within the window.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) failures: usize,
    pub(super) clients: usize,
    pub(super) frames: Vec<FrameRef>,
}

impl Guesses {
    /// A client was refused.
    pub(super) fn failed(
        &mut self,
        place: Place,
        client: Talker,
        time: Timestamp,
        frame: FrameRef,
        window: Duration,
    ) -> Series {
        let failures = self.servers.entry(place).or_default();
        failures.retain(|failure| time.since(failure.time) <= window);
        if failures.len() >= MAX_FAILURES {
            failures.pop_front();
        }
        failures.push_back(Failure { time, client, frame });
        let older = failures.len().saturating_sub(MAX_FRAMES);
        let mut frames: Vec<FrameRef> = failures.iter().skip(older).map(|failure| failure.frame).collect();
        frames.dedup();
        let clients = failures.iter().map(|failure| failure.client).collect::<BTreeSet<_>>().len();
        let series = Series { failures: failures.len(), clients, frames };
        if self.servers.len() > MAX_SERVERS {
            self.forget_stalest();
        }
        series
    }

    /// A client logged in: how often it was refused before. Its series is over.
    pub(super) fn succeeded(
        &mut self,
        place: &Place,
        client: Talker,
        time: Timestamp,
        window: Duration,
    ) -> usize {
        let Some(failures) = self.servers.get_mut(place) else { return 0 };
        failures.retain(|failure| time.since(failure.time) <= window);
        let before = failures.len();
        failures.retain(|failure| failure.client != client);
        before - failures.len()
    }

    fn forget_stalest(&mut self) {
        let last = |failures: &VecDeque<Failure>| failures.back().map(|failure| failure.time);
        let mut ages: Vec<_> =
            self.servers.iter().map(|(place, failures)| (last(failures), *place)).collect();
        ages.sort_unstable();
        for (_, place) in ages.into_iter().take(MAX_SERVERS / 16) {
            self.servers.remove(&place);
        }
    }
}
