//! `unselected-operate`: a command is executed without having been selected, where commands are selected first.
//!
//! Technique of ATT&CK for ICS: T0855 Unauthorized Command Message. DNP3's operate (function 4) has no meaning without the select (3) before it
//! (IEEE 1815 clause 4.4.3). IEC 104 leaves it to the station whether a command is selected first (S/E bit, IEC 60870-5-101 clause 7.2.6.26):
//! there a client that has selected a command and executed it selects always. Needs no baseline.

use std::time::Duration;

use fieldwarden_model::{
    Operation, PointRange, Severity, Timestamp, Verb,
    section::{Fault, Reader, Section},
};

use super::{
    Bucket, Context, Detector, Finding, Judged, Memory as AllMemory, Need, Subject, is_demand,
    settings::seconds,
};

/// Judges commands by what was selected.
pub struct UnselectedOperate;

/// Selections remembered per service; the oldest is forgotten first.
const MAX_SELECTED: usize = 64;
/// DNP3's function codes (IEEE 1815 clause 4.2.2.5).
const SELECT: u32 = 3;
const OPERATE: u32 = 4;

/// What `unselected-operate` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A selection holds so long. A minute: stations let theirs lapse after ten to thirty seconds.
    pub holds: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { holds: Duration::from_secs(60) }
    }
}

impl Settings {
    /// Reads `[detectors.unselected_operate]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let holds = seconds(&mut reader, "holds_secs", Self::default().holds);
        reader.finish_with(Some(Self { holds }))
    }
}

/// What was selected of late, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    selected: Vec<Selected>,
    /// Units and functions of which a command was selected and then executed at least once; as many as selections.
    selects: Vec<(Option<u16>, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Selected {
    unit: Option<u16>,
    points: Option<PointRange>,
    time: Timestamp,
}

/// What a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Select,
    Execute,
}

impl Detector for UnselectedOperate {
    fn id(&self) -> &'static str {
        "unselected-operate"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut AllMemory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if operation.verb != Verb::Operate || !is_demand(operation) {
            return;
        }
        let Some(step) = step(judged, operation) else { return };
        let memory = &mut memory.process().unselected_operate;
        let (unit, time) = (operation.unit, judged.origin.time);
        if step == Step::Select {
            memory.select(unit, operation, time);
            return;
        }
        if memory.execute(unit, operation, time, context.settings.unselected_operate.holds) {
            return;
        }
        let always = operation.function == OPERATE && judged.conversation.protocol.name() == "dnp3";
        if !always && !memory.selects.contains(&(unit, operation.function)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket =
            Bucket { function: Some(operation.function), points: operation.points, ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0855"];
        finding.baseline_entry = judged.entry.map(|entry| entry.id());
        let points = finding.points_text().map_or_else(String::new, |text| format!(" {text}"));
        finding.sentence = format!(
            "{{client}} executed a command on{points} of {{server}} (`{}`) without selecting it first",
            operation.name
        );
        findings(finding);
    }
}

/// Which step of a command an operation is; none where the protocol does not tell.
fn step(judged: &Judged<'_>, operation: &Operation<'_>) -> Option<Step> {
    match judged.conversation.protocol.name() {
        "dnp3" if operation.function == SELECT => Some(Step::Select),
        "dnp3" if operation.function == OPERATE => Some(Step::Execute),
        // What is selected has the same type; only the name says that it was not more.
        "iec104" if operation.name.ends_with(", select") => Some(Step::Select),
        "iec104" if operation.points.is_some() => Some(Step::Execute),
        _ => None,
    }
}

impl Memory {
    fn select(&mut self, unit: Option<u16>, operation: &Operation<'_>, time: Timestamp) {
        if self.selected.len() >= MAX_SELECTED {
            self.selected.remove(0);
        }
        self.selected.push(Selected { unit, points: operation.points, time });
    }

    /// Uses up a selection; whether there was one that holds.
    fn execute(
        &mut self,
        unit: Option<u16>,
        operation: &Operation<'_>,
        time: Timestamp,
        holds: Duration,
    ) -> bool {
        self.selected.retain(|selected| time.since(selected.time) <= holds);
        let own = |selected: &Selected| selected.unit == unit && selected.points == operation.points;
        let at = self.selected.iter().position(own);
        let Some(at) = at else { return false };
        self.selected.remove(at);
        // Alone a selection tells nothing: stations cancel what was never selected.
        let used = (unit, operation.function);
        if !self.selects.contains(&used) && self.selects.len() < MAX_SELECTED {
            self.selects.push(used);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, PointRange, Space, Verb};

    use crate::bench::{Bench, HMI, PLC, ROGUE, operation};

    fn command(function: u32, index: u64, name: &'static str) -> Operation<'static> {
        let points = PointRange { space: Space { area: 12, block: 0 }, first: index, last: index };
        Operation { name, ..operation(Verb::Operate, function, Some(points)) }
    }

    #[test]
    fn in_dnp3_operate_follows_select() {
        let mut bench = Bench::with(None).speaking("dnp3", 20_000);
        bench.asks(HMI, PLC, &command(3, 7, "select")).asks(HMI, PLC, &command(4, 7, "operate"));
        bench.asks(HMI, PLC, &command(5, 7, "direct operate"));
        assert!(bench.alerts.is_empty(), "direct operate is another function");
        bench.asks(HMI, PLC, &command(4, 7, "operate"));
        assert_eq!(bench.detectors(), ["unselected-operate"], "the selection was used up");
    }

    #[test]
    fn in_iec_104_who_selects_selects_always() {
        let mut bench = Bench::with(None).speaking("iec104", 2_404);
        bench.asks(HMI, PLC, &command(45, 7, "single command"));
        assert!(bench.alerts.is_empty(), "a station without selection");
        let select = command(45, 8, "single command, select");
        bench.asks(HMI, PLC, &command(45, 6, "single command, select"));
        bench.asks(HMI, PLC, &command(45, 9, "single command"));
        assert!(bench.alerts.is_empty(), "a selection that was only cancelled");
        bench.asks(HMI, PLC, &select).asks(HMI, PLC, &command(45, 8, "single command"));
        assert!(bench.alerts.is_empty());
        bench.asks(HMI, PLC, &command(45, 9, "single command"));
        assert_eq!(bench.detectors(), ["unselected-operate"]);
    }

    #[test]
    fn a_selection_that_lapsed_or_that_another_made_does_not_count() {
        let mut slow = Bench::with(None).speaking("dnp3", 20_000);
        slow.asks(HMI, PLC, &command(3, 7, "select")).wait(61).asks(HMI, PLC, &command(4, 7, "operate"));
        assert_eq!(slow.detectors(), ["unselected-operate"]);
        let mut split = Bench::with(None).speaking("dnp3", 20_000);
        split.asks(HMI, PLC, &command(3, 7, "select")).asks(ROGUE, PLC, &command(4, 7, "operate"));
        assert_eq!(split.detectors(), ["unselected-operate"]);
    }
}
