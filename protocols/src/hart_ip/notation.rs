//! How points are written: `loop current`, `PV`, `SV`, `TV`, `QV`, `percent of range`, `variable 3`, `parameter of command 35`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::command::area;
use crate::dissector::Notation;

const DYNAMIC: [&str; 6] = ["loop current", "PV", "SV", "TV", "QV", "percent of range"];

/// Writes and reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables;

impl Notation for Variables {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        let name = usize::try_from(first).ok().and_then(|at| DYNAMIC.get(at)).filter(|_| first == last);
        match (area, block, name) {
            (area::DYNAMIC, 0, Some(name)) => return out.write_str(name),
            (area::DEVICE, 0, _) => out.write_str("variable ")?,
            (area::PARAMETER, 0, _) => out.write_str("parameter of command ")?,
            _ => write!(out, "area {area} block {block} point ")?,
        }
        if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let of = |area, block, (first, last): (u64, u64)| {
            (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
        };
        if let Some(at) = DYNAMIC.iter().position(|name| *name == text) {
            let at = u64::try_from(at).ok()?;
            return of(area::DYNAMIC, 0, (at, at));
        }
        if let Some(rest) = text.strip_prefix("variable ") {
            return of(area::DEVICE, 0, bounds(rest)?);
        }
        if let Some(rest) = text.strip_prefix("parameter of command ") {
            return of(area::PARAMETER, 0, bounds(rest)?);
        }
        let (area, rest) = text.strip_prefix("area ")?.split_once(" block ")?;
        let (block, points) = rest.split_once(" point ")?;
        of(number(area)?, number(block)?, bounds(points)?)
    }
}

fn bounds(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first)?, number(last)?))
}

fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
