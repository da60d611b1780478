//! A driver without a device: it remembers what it was told, in memory, and changes nothing.
//!
//! For rehearsing a site file, playbooks and approvals on a live plant. Its entries expire with the enforcer that
//! holds them: after a restart nothing is "in force", and the journal's orders are taken up again.

use std::collections::BTreeSet;

use fieldwarden_model::{Fault, Order, Section, section::Reader};

use super::{DeviceFault, Driver, Observed, Registration, closing_steps};
use crate::content::{Content, Match};

/// Its line in the registry.
pub const REGISTRATION: Registration = Registration { name: NAME, configure };

const NAME: &str = "dry-run";

/// A device that exists in memory only.
#[derive(Debug, Default)]
pub struct DryRun {
    content: Content,
}

fn configure(section: &Section) -> Result<Box<dyn Driver>, Vec<Fault>> {
    Reader::new(section).finish_with(Some(Box::new(DryRun::default()) as Box<dyn Driver>))
}

impl Driver for DryRun {
    fn name(&self) -> &'static str {
        NAME
    }

    fn expiry_tolerance_ms(&self) -> u64 {
        0
    }

    fn not_enforceable(&self, _cut: &Match) -> Option<String> {
        None
    }

    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String> {
        let cut = Match::of(order).into_iter().map(|cut| {
            let remark = if already.contains(&cut) { ", as another order does already" } else { "" };
            format!("would cut {cut}{remark}; no device is changed")
        });
        cut.chain(closing_steps(order)).collect()
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        self.content.clone_from(desired);
        Ok(())
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        Ok(Observed { content: self.content.clone(), ..Observed::default() })
    }

    fn forget_established(&mut self, _cut: &[Match]) -> Result<usize, DeviceFault> {
        Ok(0)
    }
}
