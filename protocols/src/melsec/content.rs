//! What a request names, and what it carries.

use fieldwarden_model::{PointRange, Space, Values, operation::Encoding};

use super::{
    command,
    device::{MELSOFT, Named, of_code},
    frame::{Form, Head, Reader},
};

/// Which function, and of which devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The command.
    pub(super) command: u16,
    /// Its subcommand; of MELSOFT the number of the request.
    pub(super) subcommand: u16,
    /// The one range of devices that it names.
    pub(super) range: Option<Range>,
}

/// A range of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The first one.
    pub(super) named: Named,
    /// How many points or words.
    pub(super) count: u16,
    /// Whether they are counted by bit.
    pub(super) by_bit: bool,
    /// Whether the code is one of MELSOFT.
    melsoft: bool,
}

impl Range {
    /// The points.
    pub(super) fn points(&self) -> PointRange {
        if self.melsoft {
            let first = u64::from(self.named.number);
            let space = Space { area: MELSOFT | self.named.code, block: 0 };
            return PointRange { space, first, last: first + u64::from(self.count.max(1)) - 1 };
        }
        self.named.points(u32::from(self.count), self.by_bit)
    }

    /// Words as values of this range; of bits, which are packed in half octets, at most eight.
    pub(super) fn values<'a>(&self, bytes: &'a [u8]) -> Option<Values<'a>> {
        if self.by_bit {
            return few_bits(bytes.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]), self.count);
        }
        if self.melsoft && bytes.len() != usize::from(self.count) * 2 {
            return None;
        }
        let bits = !self.melsoft && of_code(self.named.code).is_some_and(|device| device.bit);
        let present = u32::try_from(bytes.len() / 2).ok()?;
        let count = present.min(u32::from(self.count));
        Some(Values { bytes, encoding: Encoding::Unsigned16Little, count, stride: if bits { 16 } else { 1 } })
    }
}

/// At most eight bits as values, the first one first; more do not fit the octet that carries them.
pub(super) fn few_bits(bits: impl Iterator<Item = u8>, count: u16) -> Option<Values<'static>> {
    let wanted = usize::from(count);
    let (number, told) = bits
        .take(wanted.min(9))
        .zip(0_usize..)
        .try_fold((0_usize, 0_usize), |(number, _), (bit, place)| {
            (bit <= 1).then_some((number | usize::from(bit) << place, place + 1))
        })?;
    let bytes = OCTETS.get(number..=number).filter(|_| told == wanted && (1..=8).contains(&told))?;
    Some(Values { bytes, encoding: Encoding::BitsLeastFirst, count: u32::from(count), stride: 1 })
}

/// Every octet, so that bits that stand apart on the wire can be lent as one.
static OCTETS: [u8; 256] = {
    let mut octets = [0; 256];
    let mut n = 0_u8;
    loop {
        let (_, rest) = octets.split_at_mut(n as usize);
        if let [first, ..] = rest {
            *first = n;
        }
        if n == u8::MAX {
            break octets;
        }
        n += 1;
    }
};

/// A request or response behind its header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    /// What is asked; of responses MELSOFT alone says it.
    pub(super) asked: Option<Asked>,
    /// Monitoring timer of a request, in units of 250 ms.
    pub(super) timer: Option<u16>,
    /// End code of a response, 0 for success.
    pub(super) end_code: Option<u16>,
    /// What follows.
    pub(super) data: &'a [u8],
}

impl<'a> Content<'a> {
    /// Reads it.
    pub(super) fn read(head: &Head, bytes: &'a [u8]) -> Option<Self> {
        let mut data = head.data(bytes);
        if head.form == Form::Melsoft {
            return Self::melsoft(head, data);
        }
        if head.response {
            let end_code = Some(data.u16()?);
            return Some(Self { asked: None, timer: None, end_code, data: data.rest() });
        }
        let timer = Some(data.u16()?);
        let (command, subcommand) = (data.u16()?, data.u16()?);
        let mut asked = Asked { command, subcommand, range: None };
        let rest = data.rest();
        if matches!(command, command::READ | command::WRITE) && subcommand <= 3 {
            asked.range = range(&mut data, head.form.is_ascii(), subcommand);
        }
        let data = if asked.range.is_some() { data.rest() } else { rest };
        Some(Self { asked: Some(asked), timer, end_code: None, data })
    }

    /// Behind a part whose length stands at its octet 3: in responses an end code, then command and number of the request.
    fn melsoft(head: &Head, mut data: Reader<'a>) -> Option<Self> {
        let front = usize::from(*data.take(4)?.get(3)?);
        data.take(front)?;
        let end_code = if head.response { Some(data.u16()?) } else { None };
        let command = data.plain().u16()?;
        let subcommand = data.u16()?;
        let mut asked = Asked { command, subcommand, range: None };
        if head.response {
            data.take(2);
        } else if matches!(command, command::MELSOFT_READ | command::MELSOFT_WRITE) {
            asked.range = data.take(12).and_then(|_| {
                let (code, number) = (data.plain().u16_le()?, data.plain().u32_le()?);
                data.take(4)?;
                let named = Named { code, number };
                let known = code < MELSOFT;
                let count = data.u16()?;
                known.then_some(Range { named, count, by_bit: false, melsoft: true })
            });
        }
        Some(Self { asked: Some(asked), timer: None, end_code, data: data.rest() })
    }

    /// Walks the devices of random accesses: points, and the octets of their values where they are written.
    pub(super) fn random(&self, ascii: bool, visit: &mut dyn FnMut(PointRange, Option<Values<'a>>)) {
        let Some(asked) = self.asked else { return };
        let (writes, wide) = (asked.command == command::WRITE_RANDOM, asked.subcommand & 2 != 0);
        let known = writes || matches!(asked.command, command::READ_RANDOM | command::ENTER_MONITOR);
        if !known || asked.subcommand > 3 {
            return;
        }
        let mut reader = Reader::new(self.data, ascii);
        let by_bit = writes && asked.subcommand & 1 == 1;
        let singles = reader.u8().unwrap_or(0);
        let doubles = if by_bit { 0 } else { reader.u8().unwrap_or(0) };
        for n in 0..u16::from(singles) + u16::from(doubles) {
            let Some(named) = Named::read(&mut reader, ascii, wide) else { return };
            let double = n >= u16::from(singles);
            let octets = match (writes, by_bit, double) {
                (false, ..) => 0,
                (true, true, _) if wide => 2,
                (true, true, _) => 1,
                (true, false, double) => 2 + 2 * usize::from(double),
            };
            let Some(bytes) = reader.take(octets * (1 + usize::from(ascii))) else { return };
            let encoding = match (by_bit, double) {
                (true, _) => Encoding::OctetBit,
                (false, false) => Encoding::Unsigned16Little,
                (false, true) => Encoding::Unsigned32Little,
            };
            let stride = 1 + u16::from(double);
            let values = (writes && !ascii).then_some(Values { bytes, encoding, count: 1, stride });
            visit(named.points(u32::from(stride), by_bit), values);
        }
    }
}

fn range(data: &mut Reader<'_>, ascii: bool, subcommand: u16) -> Option<Range> {
    let named = Named::read(data, ascii, subcommand & 2 != 0)?;
    Some(Range { named, count: data.u16()?, by_bit: subcommand & 1 == 1, melsoft: false })
}
