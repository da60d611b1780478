//! Change windows: what an approved work order covers is information while its window is open.

use core::time::Duration;

use fieldwarden_model::{Severity, Site as Plan, Timestamp};
use serde::Serialize;

use crate::detect::Finding;

/// Detectors whose findings an open window explains. What breaks a protocol, searches or shows another device is no one's work.
const EXPLAINED: &[&str] = &[
    "new-talker",
    "new-conversation",
    "new-function",
    "new-point-write",
    "value-out-of-range",
    "controller-mode",
    "program-transfer",
    "outside-conduit",
    "rogue-master",
];

/// What comes within this behind a window overruns it; what comes later has nothing to do with it.
const OVERRUN_WITHIN: Duration = Duration::from_secs(86_400);

/// What became of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowUse {
    /// The work order's number.
    pub number: String,
    /// Findings that it covered.
    pub within: u64,
    /// Findings that it would have covered, had it not been over.
    pub overrun: u64,
}

impl WindowUse {
    /// `unused`, `used` or `overrun`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.within, self.overrun) {
            (_, 1..) => "overrun",
            (0, _) => "unused",
            _ => "used",
        }
    }
}

/// The uses of all windows, in the order of the site file.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    uses: Vec<(u64, u64)>,
}

impl Windows {
    /// Looks whether a window explains a finding, which then is information; the number of its work order.
    pub(crate) fn explain(&mut self, finding: &mut Finding, plan: &Plan) -> Option<String> {
        if plan.windows.is_empty() || !EXPLAINED.contains(&finding.detector) {
            return None;
        }
        self.uses.resize(plan.windows.len(), (0, 0));
        let (client, server) = (finding.client.talker, finding.server.map(|server| server.talker));
        let covering = || {
            let windows = plan.windows.iter().enumerate();
            windows.filter(|(_, window)| window.covers(client, server, finding.verb))
        };
        let time = finding.time;
        let open = covering().find(|(_, window)| window.is_open(time));
        if let Some((at, window)) = open {
            self.count(at, |(within, _)| *within += 1);
            finding.severity = Severity::Info;
            finding.sentence.push_str(&format!(" (work order {})", window.number));
            return Some(window.number.clone());
        }
        let over = covering()
            .filter(|(_, window)| window.until <= time && time.since(window.until) <= OVERRUN_WITHIN)
            .max_by_key(|(_, window)| window.until);
        if let Some((at, window)) = over {
            self.count(at, |(_, overrun)| *overrun += 1);
            let ended = ended(window.until);
            finding.sentence.push_str(&format!("; work order {} was over at {ended}", window.number));
        }
        None
    }

    fn count(&mut self, at: usize, add: impl FnOnce(&mut (u64, u64))) {
        if let Some(counts) = self.uses.get_mut(at) {
            add(counts);
        }
    }

    pub(crate) fn uses(&self, plan: &Plan) -> Vec<WindowUse> {
        let of = |(at, window): (usize, &fieldwarden_model::window::ChangeWindow)| {
            let (within, overrun) = self.uses.get(at).copied().unwrap_or_default();
            WindowUse { number: window.number.clone(), within, overrun }
        };
        plan.windows.iter().enumerate().map(of).collect()
    }
}

/// To the second.
fn ended(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use fieldwarden_model::{Severity, Verb, window::ChangeWindow};

    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, operation, talker};

    fn bench() -> Bench {
        let start = Bench::with(None).now();
        Bench::in_window(
            Some(baseline()),
            ChangeWindow {
                number: "CHG-1042".into(),
                clients: vec![talker(HMI)],
                servers: vec![talker(PLC)],
                operations: vec![Verb::Program],
                from: start,
                until: start.saturating_add(Duration::from_secs(60)),
            },
        )
    }

    #[test]
    fn work_within_its_window_is_information_with_its_number_and_loud_behind_it() {
        let mut bench = bench();
        let download = operation(Verb::Program, 90, None);
        bench.asks(HMI, PLC, &download);
        assert!(!bench.alerts.is_empty());
        assert!(bench.alerts.iter().all(|alert| alert.severity == Severity::Info), "{:?}", bench.alerts);
        assert!(bench.last().summary.ends_with("(work order CHG-1042)"), "{}", bench.last().summary);
        let told = bench.alerts.len();
        bench.wait(61).asks(HMI, PLC, &download);
        assert!(bench.alerts.len() > told, "it is news again");
        assert!(bench.last().severity > Severity::Info);
        assert!(
            bench.last().summary.contains("; work order CHG-1042 was over at "),
            "{}",
            bench.last().summary
        );
        assert_eq!(bench.windows().first().unwrap().word(), "overrun");
    }

    #[test]
    fn what_is_outside_the_scope_is_as_loud_as_ever_and_an_unused_window_is_said() {
        let mut bench = bench();
        bench.asks(HMI, PLC, &operation(Verb::Mode, 8, None)).asks(
            ROGUE,
            PLC,
            &operation(Verb::Program, 90, None),
        );
        assert!(bench.alerts.iter().all(|alert| alert.severity > Severity::Info), "{:?}", bench.alerts);
        assert_eq!(bench.windows().first().unwrap().word(), "unused");
    }
}
