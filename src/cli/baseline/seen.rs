//! What the daemon's store remembers of the entries of a baseline.

use std::{collections::BTreeMap, path::Path};

use fieldwarden_engine::baseline::{Entry, Quiet, quiet::moment};
use fieldwarden_model::Timestamp;
use fieldwarden_response::store::{Memory, Remembered};
use serde_json::{Value, json};

use super::super::Failure;

/// How often, when first and when last, by name.
pub(super) struct Seen {
    conversations: BTreeMap<String, Remembered>,
    quiet: BTreeMap<String, Remembered>,
}

impl Seen {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let read = || {
            let memory = Memory::open(path)?;
            Ok((memory.conversations()?, memory.quiet()?))
        };
        let (conversations, quiet) = read()
            .map_err(|fault: fieldwarden_response::store::StoreError| Failure::Work(fault.to_string()))?;
        let by_name = |all: Vec<Remembered>| all.into_iter().map(|one| (one.name.clone(), one)).collect();
        Ok(Self { conversations: by_name(conversations), quiet: by_name(quiet) })
    }

    pub(super) fn entry(&self, entry: &Entry) -> Option<&Remembered> {
        self.conversations.get(&entry.key()?.to_string())
    }

    pub(super) fn quiet(&self, quiet: &Quiet) -> Option<&Remembered> {
        self.quiet.get(&quiet.scope.to_string())
    }

    /// A line for machines, with what is remembered under `seen`; as it is without a store.
    pub(super) fn beside<'a>(
        seen: Option<&'a Self>,
        mut row: Value,
        of: impl FnOnce(&'a Self) -> Option<&'a Remembered>,
    ) -> Value {
        let Some(seen) = seen else { return row };
        let told = of(seen).map(|one| json!({"count": one.count, "first": one.first, "last": one.last}));
        if let Value::Object(keys) = &mut row {
            keys.insert("seen".into(), told.unwrap_or(Value::Null));
        }
        row
    }
}

/// `4711 times, 2026-01-02T03:04:05Z to 2026-01-09T03:04:05Z`, or that it never was.
pub(super) fn text(remembered: Option<&Remembered>) -> String {
    let second = |time: Timestamp| moment(Timestamp::from_seconds(time.nanos().div_euclid(1_000_000_000)));
    match remembered {
        Some(one) => format!("{} times, {} to {}", one.count, second(one.first), second(one.last)),
        None => String::from("NEVER, as far as the store goes back"),
    }
}
