//! What conversations did in each hour, gathered once a minute for the store.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use fieldwarden_engine::{Engine, history::Liveliness};
use fieldwarden_model::Timestamp;
use fieldwarden_response::store::ConversationHour;

/// How often is gathered. What is done meanwhile is lost with a daemon that is killed, and counts for the hour of the last of it.
const EVERY: Duration = Duration::from_secs(60);
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// What was told to the store already.
pub(crate) struct Hours {
    told: BTreeMap<String, (u64, u64)>,
    since: Instant,
}

impl Hours {
    /// From where the engine stands: what it did before a restart was told then.
    pub(crate) fn from(engine: &Engine) -> Self {
        let of = |one: Liveliness| (one.conversation, (one.operations, one.refused));
        Self { told: engine.liveliness().into_iter().map(of).collect(), since: Instant::now() }
    }

    /// What was done since the last time, once a minute.
    pub(crate) fn when_due(&mut self, engine: &Engine) -> Vec<ConversationHour> {
        if self.since.elapsed() < EVERY {
            return Vec::new();
        }
        self.since = Instant::now();
        self.gather(engine.liveliness())
    }

    /// What was done since the last time.
    pub(crate) fn gather(&mut self, all: Vec<Liveliness>) -> Vec<ConversationHour> {
        let before = std::mem::take(&mut self.told);
        let mut hours = Vec::new();
        for one in all {
            let known = before.get(&one.conversation).copied();
            // One that was forgotten and met again counts from nothing.
            let (operations, refused) = known.filter(|known| known.0 <= one.operations).unwrap_or_default();
            let more = (one.operations - operations, one.refused.saturating_sub(refused));
            self.told.insert(one.conversation.clone(), (one.operations, one.refused));
            if more == (0, 0) {
                continue;
            }
            hours.push(ConversationHour {
                conversation: one.conversation,
                hour: Timestamp::from_nanos(one.last.nanos().div_euclid(HOUR_NANOS) * HOUR_NANOS),
                operations: more.0,
                refused: more.1,
                first: if known.is_none() { one.first } else { one.last },
                last: one.last,
            });
        }
        hours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(operations: u64, last: i64) -> Liveliness {
        let (first, last) = (Timestamp::from_seconds(7_000), Timestamp::from_seconds(last));
        Liveliness { conversation: "a to b".into(), operations, refused: 1, first, last }
    }

    #[test]
    fn each_operation_is_told_once_in_the_hour_of_the_last() {
        let mut hours = Hours { told: BTreeMap::new(), since: Instant::now() };
        let told: Vec<(u64, u64, i64)> = [one(10, 7_100), one(10, 7_100), one(25, 7_300), one(4, 7_400)]
            .into_iter()
            .flat_map(|one| hours.gather(vec![one]))
            .map(|hour| (hour.operations, hour.refused, hour.hour.nanos() / 1_000_000_000))
            .collect();
        assert_eq!(told, [(10, 1, 3_600), (15, 0, 7_200), (4, 1, 7_200)], "the last one was met anew");
    }
}
