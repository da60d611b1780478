//! Memory of the plant: the last values seen at every point, and every change made to a device.

use core::hash::{Hash, Hasher};

use fieldwarden_model::{
    AddressSpace, FrameRef, Outcome, Point, PointRange, Talker, Timestamp, Value, Values, Verb,
    operation::Encoding,
};
use fieldwarden_protocols::Protocol;
use serde::{Deserialize, Serialize};

use crate::{
    conversation::ConversationKey,
    map::{Map, Seed, map},
    values,
};

/// Devices (server, protocol, unit) whose values are remembered; the one heard longest ago is forgotten first.
pub const MAX_DEVICES: usize = 4_096;
/// Blocks of values remembered per device; the one seen longest ago is forgotten first.
pub const MAX_BLOCKS: usize = 256;
/// Octets of one block; what lies beyond is not remembered.
pub const MAX_BLOCK_OCTETS: usize = 512;
/// Values told of one write; a block download would otherwise fill the store.
pub const MAX_VALUES_TOLD: usize = 128;

/// A change made to a device, or asked for: every write, operation, program and mode change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WriteRecord {
    /// When it was complete on the wire.
    pub time: Timestamp,
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asked.
    pub client: Talker,
    /// The client's name in the site file.
    pub client_name: Option<String>,
    /// Whose points.
    pub server: Talker,
    /// The server's name in the site file.
    pub server_name: Option<String>,
    /// The protocol.
    pub protocol: String,
    /// The unit behind the server.
    pub unit: Option<u16>,
    /// Write, operate, program, mode or configure.
    pub verb: Verb,
    /// The function code as the baseline writes it.
    pub function: String,
    /// The function's name.
    pub name: String,
    /// The points in the protocol's notation.
    pub points: Option<String>,
    /// Values before, as far as they were seen.
    pub old: Vec<Value>,
    /// Values carried.
    pub new: Vec<Value>,
    /// The change in the words of the site's tag list: `Chlorine.Setpoint 0.8 -> 4 mg/l`.
    pub tags: Option<String>,
    /// Asked; or refused, as a second record.
    pub outcome: Outcome,
    /// The frame that completed it.
    pub frame: FrameRef,
}

/// How much one conversation did since it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveliness {
    /// The conversation, as baselines spell its id.
    pub conversation: String,
    /// Operations asked for and reported.
    pub operations: u64,
    /// Operations refused.
    pub refused: u64,
    /// The first operation.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
}

/// A device whose values are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Device {
    pub(crate) space: AddressSpace,
    pub(crate) server: Talker,
    pub(crate) protocol: Protocol,
    pub(crate) unit: Option<u16>,
}

impl Device {
    /// The device behind a conversation.
    pub(crate) const fn of(key: &ConversationKey) -> Self {
        Self { space: key.service.space, server: key.service.server, protocol: key.protocol, unit: key.unit }
    }
}

impl Hash for Device {
    /// Without the protocol, whose name would cost as much as all the rest and tells hardly any two devices apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.server.hash(state);
        let unit = self.unit.map_or(1 << 16, u32::from);
        state.write_u64(u64::from(self.space.0) << 32 | u64::from(unit));
    }
}

/// How the octets of a block are cut into values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    pub(crate) count: u32,
    pub(crate) stride: u16,
}

impl Shape {
    pub(crate) const fn of(values: &Values<'_>) -> Self {
        Self { encoding: values.encoding, count: values.count, stride: values.stride }
    }

    pub(crate) const fn values(self, bytes: &[u8]) -> Values<'_> {
        Values { bytes, encoding: self.encoding, count: self.count, stride: self.stride }
    }
}

/// Values seen together at neighbouring points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    points: PointRange,
    shape: Shape,
    /// Asked for in a write, and not yet confirmed by an answer or a read.
    asked: bool,
    /// The order in which blocks were seen.
    turn: u64,
    octets: Vec<u8>,
}

/// The last values seen at every point.
#[derive(Debug)]
pub(crate) struct PlantValues {
    devices: Map<Device, Blocks>,
    turn: u64,
    seed: Seed,
}

/// The blocks of one device, by their points and whether they were asked for only.
type Blocks = Map<(PointRange, bool), Block>;

impl PlantValues {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self { devices: map(seed), turn: 0, seed }
    }

    /// Remembers values read from a device, or asked of it in a write.
    pub(crate) fn remember(
        &mut self,
        device: Device,
        points: PointRange,
        shape: Shape,
        octets: &[u8],
        asked: bool,
    ) {
        self.turn += 1;
        let turn = self.turn;
        let octets = octets.get(..MAX_BLOCK_OCTETS).unwrap_or(octets);
        let Some(blocks) = self.devices.get_mut(&device) else {
            if self.devices.len() >= MAX_DEVICES {
                self.forget_stalest_device();
            }
            let blocks = self.devices.entry(device).or_insert(map(self.seed));
            let block = Block { points, shape, asked, turn, octets: octets.to_vec() };
            blocks.insert((points, asked), block);
            return;
        };
        if let Some(block) = blocks.get_mut(&(points, asked)) {
            block.turn = turn;
            block.shape = shape;
            // Same length as a rule, so nothing is allocated.
            block.octets.clear();
            block.octets.extend_from_slice(octets);
            return;
        }
        if blocks.len() >= MAX_BLOCKS
            && let Some(stalest) = blocks.iter().min_by_key(|(_, block)| block.turn).map(|(key, _)| *key)
        {
            blocks.remove(&stalest);
        }
        blocks.insert((points, asked), Block { points, shape, asked, turn, octets: octets.to_vec() });
    }

    /// Looks at where values read are going to be kept, so that it is at hand by then. Changes nothing.
    pub(crate) fn look_at(&self, device: &Device, points: &PointRange) {
        let block = self.devices.get(device).and_then(|blocks| blocks.get(&(*points, false)));
        core::hint::black_box(block.map(|block| (block.octets.first(), block.octets.last(), block.turn)));
    }

    /// A write was answered: its values hold from now on, or never did.
    pub(crate) fn settle(&mut self, device: &Device, points: &PointRange, refused: bool) {
        let Some(blocks) = self.devices.get_mut(device) else { return };
        let Some(block) = blocks.remove(&(*points, true)) else { return };
        if !refused {
            blocks.insert((*points, false), Block { asked: false, ..block });
        }
    }

    /// The last values seen at the places where values of this shape stand; shorter where some were never seen.
    pub(crate) fn last(&self, device: &Device, points: &PointRange, shape: Shape) -> Vec<Value> {
        let Some(blocks) = self.devices.get(device) else { return Vec::new() };
        let end = points.last.max(points.first + u64::from(shape.count) * u64::from(shape.stride));
        let wanted = PointRange { last: end, ..*points };
        let mut near: Vec<&Block> = blocks.values().filter(|block| block.points.overlaps(&wanted)).collect();
        // The block seen last comes first; turns are unique, so that no hash order is seen.
        near.sort_unstable_by_key(|block| core::cmp::Reverse(block.turn));
        let places = (0..u64::from(shape.count)).take(MAX_VALUES_TOLD);
        let place = |n: u64| Point { space: points.space, index: points.first + n * u64::from(shape.stride) };
        places.map_while(|n| value_at(&near, place(n), shape)).collect()
    }

    /// For a checkpoint: devices sorted, the blocks of each in the order in which they were seen last.
    pub(crate) fn devices(&self) -> Vec<(Device, Vec<Block>)> {
        let sorted = |blocks: &Blocks| {
            let mut blocks: Vec<Block> = blocks.values().cloned().collect();
            blocks.sort_by_key(|block| block.turn);
            blocks
        };
        let mut devices: Vec<_> =
            self.devices.iter().map(|(device, blocks)| (*device, sorted(blocks))).collect();
        devices.sort_by_key(|(device, _)| *device);
        devices
    }

    /// From a checkpoint.
    pub(crate) fn restore(&mut self, device: Device, blocks: Vec<Block>) {
        self.turn = blocks.iter().map(|block| block.turn).max().unwrap_or(0).max(self.turn);
        let mut kept: Blocks = map(self.seed);
        kept.extend(blocks.into_iter().take(MAX_BLOCKS).map(|block| ((block.points, block.asked), block)));
        self.devices.insert(device, kept);
    }

    /// Turns are unique, so which device goes depends on no hash order.
    fn forget_stalest_device(&mut self) {
        let latest = |blocks: &Blocks| blocks.values().map(|block| block.turn).max();
        let stalest = self.devices.iter().min_by_key(|(_, blocks)| latest(blocks)).map(|(device, _)| *device);
        if let Some(device) = stalest {
            self.devices.remove(&device);
        }
    }
}

/// The value at a place, out of the block seen last that holds one of this shape, or octets out of which one can be cut.
fn value_at(blocks: &[&Block], place: Point, shape: Shape) -> Option<Value> {
    let width = u64::from(shape.stride.max(1));
    let cut = |block: &Block| -> Option<Value> {
        let from = place.index.checked_sub(block.points.first)?;
        if block.points.space != place.space || place.index > block.points.last {
            return None;
        }
        let octets = block.shape.encoding == Encoding::Unsigned8 && block.shape.stride == 8;
        if block.shape.stride == shape.stride && from.is_multiple_of(width) {
            return block.shape.values(&block.octets).nth(usize::try_from(from / width).ok()?);
        }
        if !octets || !from.is_multiple_of(8) {
            return None;
        }
        let from = usize::try_from(from / 8).ok()?;
        let octets = block.octets.get(from..)?.get(..usize::from(shape.stride / 8))?;
        let encoding = values::number_of(octets)?;
        Shape { encoding, count: 1, stride: shape.stride }.values(octets).nth(0)
    };
    blocks.iter().find_map(|block| cut(block))
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Space;

    use super::*;

    fn registers(first: u64, last: u64) -> PointRange {
        PointRange { space: Space { area: 4, block: 0 }, first, last }
    }

    fn device() -> Device {
        Device {
            space: AddressSpace(0),
            server: "10.0.0.20".parse().unwrap(),
            protocol: Protocol("modbus"),
            unit: Some(1),
        }
    }

    const TWO: Shape = Shape { encoding: Encoding::Unsigned16, count: 2, stride: 1 };
    const ONE: Shape = Shape { encoding: Encoding::Unsigned16, count: 1, stride: 1 };

    #[test]
    fn the_value_before_a_write_is_the_one_last_polled() {
        let mut plant = PlantValues::new(Seed(1));
        plant.remember(device(), registers(100, 101), TWO, &[0, 7, 0, 9], false);
        assert_eq!(plant.last(&device(), &registers(101, 101), ONE), [Value::Integer(9)]);
        plant.remember(device(), registers(101, 101), ONE, &[0xff, 0xff], true);
        assert_eq!(plant.last(&device(), &registers(101, 101), ONE), [Value::Integer(65_535)]);
        plant.settle(&device(), &registers(101, 101), true);
        assert_eq!(
            plant.last(&device(), &registers(101, 101), ONE),
            [Value::Integer(9)],
            "a refused write never was"
        );
    }

    #[test]
    fn a_device_is_remembered_within_bounds() {
        let mut plant = PlantValues::new(Seed(1));
        for first in 0..1_000 {
            plant.remember(device(), registers(first, first), ONE, &[0, 1], false);
        }
        assert_eq!(plant.devices.values().map(Blocks::len).sum::<usize>(), MAX_BLOCKS);
        assert!(plant.last(&device(), &registers(0, 0), ONE).is_empty(), "the first is forgotten");
        assert_eq!(plant.last(&device(), &registers(999, 999), ONE), [Value::Integer(1)]);
    }
}
