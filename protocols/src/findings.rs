//! What is found wrong with one message.

use crate::anomaly::Anomaly;

/// Most anomalies told of one message; further ones are not kept.
const MAX_ANOMALIES: usize = 8;

/// The anomalies of one message.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: heapless::Vec<Anomaly, MAX_ANOMALIES>,
    broken: bool,
}

impl Findings {
    /// The message is not to be understood whole.
    pub(crate) fn fault(&mut self, anomaly: Anomaly) {
        self.broken = true;
        self.remark(anomaly);
    }

    /// Odd, but understood.
    pub(crate) fn remark(&mut self, anomaly: Anomaly) {
        // Beyond the cap the first ones stand for all.
        let _ = self.list.push(anomaly);
    }

    /// Whether something was a fault.
    pub(crate) const fn broken(&self) -> bool {
        self.broken
    }

    /// All of them, in the order found.
    pub(crate) fn list(&self) -> &[Anomaly] {
        &self.list
    }
}

/// A length as anomalies carry it.
pub(crate) fn count(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// A place as anomalies carry it.
pub(crate) fn place(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}
