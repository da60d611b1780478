//! What one device was last seen to hold, point by point: pages of neighbouring values of one width, so that many clients who ask for
//! overlapping ranges share one place, and what is at hand stays small.

use fieldwarden_model::operation::Space;
use fieldwarden_model::{Point, PointRange, Value, operation::Encoding};
use serde::{Deserialize, Serialize};

use super::Shape;
use crate::values;

/// Pages remembered per device; the one seen longest ago is forgotten first.
const MAX_PAGES: usize = 256;
/// Octets of a page; values wider than two octets have fewer places on it.
const PAGE_OCTETS: usize = 512;
/// Values of a page, as many as `Page::seen` has bits.
const PLACES: u64 = 256;
/// Writes of one device that nobody has confirmed yet; the oldest is forgotten first.
const MAX_ASKED: usize = 64;
/// Octets of an unconfirmed write; what lies beyond is not remembered.
const MAX_ASKED_OCTETS: usize = 512;

/// What one device holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Sorted by their place; those of one place differ in their encoding.
    pages: Vec<Page>,
    /// Asked for in writes that were neither answered nor read back.
    asked: Vec<Asked>,
}

/// Neighbouring values of one width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    place: Place,
    encoding: Encoding,
    /// The order in which pages were seen.
    turn: u64,
    /// Which of its values were seen.
    seen: [u64; 4],
    /// As they came; no longer than the last value seen needs.
    octets: Vec<u8>,
}

/// Where a page lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    space: Space,
    stride: u16,
    /// How far values stand behind a multiple of their stride.
    phase: u16,
    number: u64,
}

/// A write that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    points: PointRange,
    shape: Shape,
    turn: u64,
    octets: Vec<u8>,
}

/// Values of one page, as they are told.
struct Run<'a> {
    place: Place,
    /// The first of them, and behind the last.
    within: (usize, usize),
    octets: &'a [u8],
    /// How many values of `octets` lie before the first.
    skip: usize,
}

impl Image {
    /// Remembers values that the device holds.
    pub(super) fn put(&mut self, points: &PointRange, shape: Shape, octets: &[u8], turn: u64) {
        let count = match shape.encoding.width() {
            None => octets.len().saturating_mul(8),
            Some(width) => octets.len() / width,
        };
        let count = u64::try_from(count).unwrap_or(0).min(u64::from(shape.count));
        let stride = u64::from(shape.stride.max(1));
        let phase = u16::try_from(points.first % stride).unwrap_or(0);
        let (per_page, first) = (places_of(shape.encoding), points.first / stride);
        let mut done = 0;
        while done < count {
            let element = first.saturating_add(done);
            let place =
                Place { space: points.space, stride: shape.stride, phase, number: element / per_page };
            let from = element % per_page;
            let until = per_page.min(from + (count - done));
            let fits = |n: u64| usize::try_from(n).unwrap_or(0);
            let run = Run { place, within: (fits(from), fits(until)), octets, skip: fits(done) };
            self.put_run(&run, shape.encoding, turn);
            done += until - from;
        }
    }

    /// Looks at where values are going to be kept, so that it is at hand by then. Changes nothing.
    pub(super) fn look_at(&self, points: &PointRange, shape: Shape) {
        let stride = u64::from(shape.stride.max(1));
        let phase = u16::try_from(points.first % stride).unwrap_or(0);
        let number = points.first / stride / places_of(shape.encoding);
        let place = Place { space: points.space, stride: shape.stride, phase, number };
        let page = self.pages.get(self.pages.partition_point(|page| page.place < place));
        core::hint::black_box(page.map(|page| (page.octets.first(), page.octets.last())));
    }

    fn put_run(&mut self, run: &Run<'_>, encoding: Encoding, turn: u64) {
        let start = self.pages.partition_point(|page| page.place < run.place);
        let mut at = None;
        for (n, page) in self.pages.iter_mut().enumerate().skip(start) {
            if page.place != run.place {
                break;
            }
            if page.encoding == encoding {
                at = Some(n);
            } else {
                // What was told as another kind of number is of this kind now.
                page.mark(run.within, false);
            }
        }
        let at = at.unwrap_or_else(|| self.make_page(run.place, encoding));
        if let Some(page) = self.pages.get_mut(at) {
            page.turn = turn;
            page.mark(run.within, true);
            page.write(run);
        }
    }

    /// A page of no values yet, where it belongs.
    #[cold]
    fn make_page(&mut self, place: Place, encoding: Encoding) -> usize {
        if self.pages.len() >= MAX_PAGES
            // Of pages seen together the first goes: they are sorted.
            && let Some((stalest, _)) = self.pages.iter().enumerate().min_by_key(|(_, page)| page.turn)
        {
            self.pages.remove(stalest);
        }
        let at = self.pages.partition_point(|page| page.place < place);
        if self.pages.is_empty() {
            self.pages.reserve_exact(1);
        }
        self.pages.insert(at, Page { place, encoding, turn: 0, seen: [0; 4], octets: Vec::new() });
        at
    }

    /// Remembers values that a write asks for.
    pub(super) fn ask(&mut self, points: &PointRange, shape: Shape, octets: &[u8], turn: u64) {
        let octets = octets.get(..MAX_ASKED_OCTETS).unwrap_or(octets);
        let asked = Asked { points: *points, shape, turn, octets: octets.to_vec() };
        if let Some(before) = self.asked.iter_mut().find(|before| before.points == *points) {
            *before = asked;
            return;
        }
        if self.asked.len() >= MAX_ASKED {
            // They stand in the order of their first demand.
            self.asked.remove(0);
        }
        self.asked.push(asked);
    }

    /// A write was answered: its values hold from now on, or never did.
    pub(super) fn settle(&mut self, points: &PointRange, refused: bool, turn: u64) {
        let Some(at) = self.asked.iter().position(|asked| asked.points == *points) else { return };
        let asked = self.asked.remove(at);
        if !refused {
            self.put(points, asked.shape, &asked.octets, turn);
        }
    }

    /// The last value seen at a place, of this shape, or cut out of octets.
    pub(super) fn value(&self, place: Point, shape: Shape) -> Option<Value> {
        let asked =
            self.asked.iter().filter_map(|asked| asked.value(place, shape).map(|value| (asked.turn, value)));
        let held = self.pages_at(place, shape.stride).filter_map(|(page, at)| {
            page.has(at).then(|| page.nth(at)).flatten().map(|value| (page.turn, value))
        });
        let cut = self.octets_at(place, shape.stride);
        asked.chain(held).chain(cut).max_by_key(|(turn, _)| *turn).map(|(_, value)| value)
    }

    /// The pages on which a value of this stride would stand, with its number there.
    fn pages_at(&self, point: Point, stride: u16) -> impl Iterator<Item = (&Page, usize)> {
        let wide = u64::from(stride.max(1));
        let (element, phase) = (point.index / wide, u16::try_from(point.index % wide).unwrap_or(0));
        let is_row = move |page: &Page| {
            (page.place.space, page.place.stride, page.place.phase) == (point.space, stride, phase)
        };
        let least = Place { space: point.space, stride, phase, number: 0 };
        let start = self.pages.partition_point(|page| page.place < least);
        self.pages.iter().skip(start).take_while(move |page| is_row(page)).filter_map(move |page| {
            let per_page = places_of(page.encoding);
            let at = usize::try_from(element % per_page).ok()?;
            (page.place.number == element / per_page).then_some((page, at))
        })
    }

    /// A number cut out of octets that were read one by one.
    fn octets_at(&self, place: Point, stride: u16) -> Option<(u64, Value)> {
        let width = stride / 8;
        if !matches!(width, 2 | 4) || !stride.is_multiple_of(8) || !place.index.is_multiple_of(8) {
            return None;
        }
        let mut octets: heapless::Vec<u8, 4> = heapless::Vec::new();
        let mut turn = 0;
        for n in 0..u64::from(width) {
            let octet = Point { space: place.space, index: place.index.saturating_add(8 * n) };
            let (page, at) = self
                .pages_at(octet, 8)
                .find(|(page, at)| page.encoding == Encoding::Unsigned8 && page.has(*at))?;
            turn = turn.max(page.turn);
            octets.push(*page.octets.get(at)?).ok()?;
        }
        let encoding = values::number_of(&octets)?;
        Some((turn, Shape { encoding, count: 1, stride }.values(&octets).nth(0)?))
    }

    /// The turn of what was seen last.
    pub(super) fn latest(&self) -> u64 {
        let pages = self.pages.iter().map(|page| page.turn);
        pages.chain(self.asked.iter().map(|asked| asked.turn)).max().unwrap_or(0)
    }

    /// As many as the caps allow: a checkpoint may be of another build.
    pub(super) fn within_caps(mut self) -> Self {
        self.pages.truncate(MAX_PAGES);
        self.pages.sort_by_key(|page| page.place);
        self.asked.truncate(MAX_ASKED);
        self
    }
}

/// How many values of this encoding a page has.
fn places_of(encoding: Encoding) -> u64 {
    let width = encoding.width().unwrap_or(1);
    u64::try_from(PAGE_OCTETS / width).unwrap_or(1).min(PLACES)
}

impl Page {
    fn has(&self, at: usize) -> bool {
        self.seen.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn nth(&self, at: usize) -> Option<Value> {
        Shape { encoding: self.encoding, count: u32::MAX, stride: self.place.stride }
            .values(&self.octets)
            .nth(at)
    }

    /// Notes that values were seen, or that they are no longer here.
    fn mark(&mut self, (from, until): (usize, usize), seen: bool) {
        for (n, word) in self.seen.iter_mut().enumerate() {
            let (low, high) = (from.max(n * 64), until.min(n * 64 + 64));
            if low >= high {
                continue;
            }
            let bits = u64::MAX >> (64 - (high - low)) << (low - n * 64);
            *word = if seen { *word | bits } else { *word & !bits };
        }
    }

    fn write(&mut self, run: &Run<'_>) {
        let (from, until) = run.within;
        let Some(width) = self.encoding.width() else { return self.write_bits(run) };
        if self.octets.len() < until * width {
            self.octets.resize(until * width, 0);
        }
        let source = run.octets.get(run.skip * width..).and_then(|rest| rest.get(..(until - from) * width));
        if let (Some(target), Some(source)) = (self.octets.get_mut(from * width..until * width), source) {
            target.copy_from_slice(source);
        }
    }

    /// Bits are packed here as on the wire, least significant first.
    fn write_bits(&mut self, run: &Run<'_>) {
        let (from, until) = run.within;
        if self.octets.len() < until.div_ceil(8) {
            self.octets.resize(until.div_ceil(8), 0);
        }
        for n in (0..until - from).step_by(8) {
            let (source, target, most) = (run.skip + n, from + n, (until - from - n).min(8));
            let two = |at: usize| {
                let octet = |at: usize| u16::from(run.octets.get(at).copied().unwrap_or(0));
                octet(at) | octet(at + 1) << 8
            };
            let mask = (1_u16 << most) - 1;
            let [low, high] = (((two(source / 8) >> (source % 8)) & mask) << (target % 8)).to_le_bytes();
            let [low_mask, high_mask] = (mask << (target % 8)).to_le_bytes();
            if let Some(octet) = self.octets.get_mut(target / 8) {
                *octet = *octet & !low_mask | low;
            }
            if let Some(octet) = self.octets.get_mut(target / 8 + 1) {
                *octet = *octet & !high_mask | high;
            }
        }
    }
}

impl Asked {
    fn value(&self, place: Point, shape: Shape) -> Option<Value> {
        let from = place.index.checked_sub(self.points.first)?;
        let wide = u64::from(shape.stride.max(1));
        let fits = self.points.space == place.space
            && place.index <= self.points.last
            && self.shape.stride == shape.stride
            && from.is_multiple_of(wide);
        if !fits {
            return None;
        }
        self.shape.values(&self.octets).nth(usize::try_from(from / wide).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COILS: Shape = Shape { encoding: Encoding::BitsLeastFirst, count: 0, stride: 1 };

    fn range(first: u64, last: u64) -> PointRange {
        PointRange { space: Space { area: 1, block: 0 }, first, last }
    }

    fn at(index: u64) -> Point {
        Point { space: Space { area: 1, block: 0 }, index }
    }

    fn registers(count: u32) -> Shape {
        Shape { encoding: Encoding::Unsigned16, count, stride: 1 }
    }

    #[test]
    fn a_number_is_cut_out_of_octets_that_were_read() {
        let mut image = Image::default();
        let octets = Shape { encoding: Encoding::Unsigned8, count: 6, stride: 8 };
        image.put(&range(0, 47), octets, &[0, 0, 0x41, 0x20, 0, 0], 1);
        let real = Shape { encoding: Encoding::Float32, count: 1, stride: 32 };
        assert_eq!(image.value(at(16), real), Some(Value::Float(10.0)));
        assert_eq!(image.value(at(32), real), None, "two octets of it were never read");
    }

    #[test]
    fn what_is_another_kind_of_number_now_is_told_as_that() {
        let mut image = Image::default();
        let word = |encoding| Shape { encoding, count: 1, stride: 1 };
        image.put(&range(7, 7), word(Encoding::Unsigned16), &[0xff, 0xff], 1);
        image.put(&range(7, 7), word(Encoding::Signed16), &[0xff, 0xff], 2);
        image.put(&range(9, 9), word(Encoding::Unsigned16), &[0, 1], 3);
        assert_eq!(image.value(at(7), word(Encoding::Unsigned16)), Some(Value::Integer(-1)));
    }

    #[test]
    fn pages_are_bounded_and_the_stalest_goes() {
        let mut image = Image::default();
        for n in 0..1_000 {
            image.put(&range(n * 256, n * 256), registers(1), &[0, 1], n + 1);
        }
        assert_eq!(image.pages.len(), MAX_PAGES);
        assert_eq!(image.value(at(0), registers(1)), None);
        assert_eq!(image.value(at(999 * 256), registers(1)), Some(Value::Integer(1)));
    }

    proptest! {
        #[test]
        fn every_point_holds_what_was_last_put_there(
            runs in prop::collection::vec((0_u64..600, prop::collection::vec(any::<u16>(), 1..300)), 1..12),
        ) {
            let (mut words, mut coils) = (Image::default(), Image::default());
            let mut expected = std::collections::BTreeMap::new();
            for (turn, (first, values)) in (1..).zip(&runs) {
                let octets: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
                let last = first + values.len() as u64 - 1;
                let count = u32::try_from(values.len()).unwrap();
                words.put(&range(*first, last), registers(count), &octets, turn);
                let mut bits = vec![0_u8; values.len().div_ceil(8)];
                for (n, value) in values.iter().enumerate() {
                    bits[n / 8] |= u8::try_from(value & 1).unwrap() << (n % 8);
                    expected.insert(first + n as u64, i64::from(*value));
                }
                coils.put(&range(*first, last), Shape { count, ..COILS }, &bits, turn);
            }
            for index in 0..900 {
                let value = expected.get(&index).copied();
                prop_assert_eq!(words.value(at(index), registers(1)), value.map(Value::Integer));
                prop_assert_eq!(coils.value(at(index), COILS), value.map(|value| Value::Integer(value & 1)));
            }
        }
    }
}
