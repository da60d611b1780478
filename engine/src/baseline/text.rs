//! Words for the parts of a baseline, as tables and reviews print them.

use fieldwarden_model::{PointRange, Transport, Value};

use super::{Allowed, Bits, Counter, Entry, Envelope, Few, Function, Moves, Pace, function_text};

impl Entry {
    /// Points in the notation of the entry's protocol.
    #[must_use]
    pub fn points_text(&self, range: &PointRange) -> String {
        let mut text = String::new();
        if let Some(dissector) = fieldwarden_protocols::dissector(&self.protocol) {
            // Writing to a String cannot fail.
            let _ = dissector.notation().write(range, &mut text);
        }
        text
    }

    /// A range of points out of the notation of the entry's protocol.
    #[must_use]
    pub fn points_of(&self, text: &str) -> Option<PointRange> {
        fieldwarden_protocols::dissector(&self.protocol)?.notation().read(text.trim())
    }
}

impl Envelope {
    /// The values allowed: `0 to 100`, `at least 5`, `any value`, `0, 1 or 3`, `bits 0x000f`.
    #[must_use]
    pub fn bounds_text(&self) -> String {
        self.allowed.text()
    }

    /// How wide a value is, where it is wider than one point: ` (each value 16 points wide)`.
    #[must_use]
    pub fn width_text(&self) -> String {
        width_text(self.step)
    }
}

impl Allowed {
    /// `0 to 100`, `at least 5`, `any value`, `0, 1 or 3`, `bits 0x000f`, `any value, counting up by at most 1`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Range { minimum, maximum } => bounds(*minimum, *maximum),
            Self::Values(few) => few.text(),
            Self::Bits(bits) => bits.text(),
            Self::Counter(counter) => {
                let Counter { step, minimum, maximum } = &**counter;
                format!("{}, counting up by at most {step}", bounds(*minimum, *maximum))
            }
        }
    }
}

impl Few {
    /// `0, 1 or 3`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut texts: Vec<String> = self.iter().map(value_text).collect();
        match texts.pop() {
            Some(last) if texts.is_empty() => last,
            Some(last) => format!("{} or {last}", texts.join(", ")),
            None => String::from("no value"),
        }
    }
}

impl Bits {
    /// `bits 0x000f`, or `bits 0x000f with 0x0400 always set`.
    #[must_use]
    pub fn text(self) -> String {
        let changing = bits_text(self.changing());
        match self.set() {
            0 => format!("bits {changing}"),
            set => format!("bits {changing} with {} always set", bits_text(set)),
        }
    }
}

fn bounds(minimum: Option<Value>, maximum: Option<Value>) -> String {
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => format!("{} to {}", value_text(minimum), value_text(maximum)),
        (Some(minimum), None) => format!("at least {}", value_text(minimum)),
        (None, Some(maximum)) => format!("at most {}", value_text(maximum)),
        (None, None) => String::from("any value"),
    }
}

/// Bits as the file spells them: `0x000f`.
#[must_use]
pub fn bits_text(bits: u64) -> String {
    format!("{bits:#06x}")
}

impl Function {
    /// `16 write multiple registers`, or the number alone where it has no name.
    #[must_use]
    pub fn text(&self) -> String {
        let code = function_text(self.code);
        if self.name.is_empty() { code } else { format!("{code} {}", self.name) }
    }
}

/// The word for a transport.
#[must_use]
pub const fn transport_word(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Link => "link",
    }
}

/// A value as the file spells it: `1.0` is not `1`.
pub(crate) fn value_text(value: Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
    }
}

pub(crate) fn width_text(step: u16) -> String {
    if step == 1 { String::new() } else { format!(" (each value {step} points wide)") }
}

impl Moves {
    /// Behind the bounds: what is held against how values move; nothing where nothing is.
    #[must_use]
    pub fn text(&self) -> String {
        let most = |name: &str, most: Option<f64>| most.map(|most| format!(", {name} at most {most}"));
        let mut text = most("step", self.step_maximum).unwrap_or_default();
        text.push_str(&most("run", self.run_maximum).unwrap_or_default());
        if self.turns_per_minute > 0 {
            text.push_str(&format!(", {} turns a minute", self.turns_per_minute));
        }
        text
    }
}

impl Pace {
    /// In words, `none` where nothing is held against it.
    #[must_use]
    pub fn text(&self) -> String {
        let requests =
            self.requests_per_minute.map(|(fewest, most)| format!("{fewest} to {most} requests a minute"));
        let writes = self.writes_per_minute.map(|most| format!("at most {most} writes a minute"));
        let pause = self.pause_ms.map(|pause| format!("pauses up to {pause} ms"));
        let all: Vec<String> = [requests, writes, pause].into_iter().flatten().collect();
        if all.is_empty() { String::from("none") } else { all.join(", ") }
    }
}
