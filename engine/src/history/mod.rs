//! Memory of the plant: the last values seen at every point, and every change made to a device.

mod image;

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
};

pub(crate) use image::Image;

/// Devices (server, protocol, unit) whose values are remembered; the one heard longest ago is forgotten first.
pub const MAX_DEVICES: usize = 4_096;
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

/// The last values seen at every point.
#[derive(Debug)]
pub(crate) struct PlantValues {
    devices: Map<Device, Image>,
    turn: u64,
}

impl PlantValues {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self { devices: map(seed), turn: 0 }
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
        let image = match self.devices.get_mut(&device) {
            Some(image) => image,
            None => self.meet(device),
        };
        if asked {
            image.ask(&points, shape, octets, turn);
        } else {
            image.put(&points, shape, octets, turn);
        }
    }

    #[cold]
    fn meet(&mut self, device: Device) -> &mut Image {
        if self.devices.len() >= MAX_DEVICES {
            self.forget_stalest_device();
        }
        self.devices.entry(device).or_default()
    }

    /// Looks at where values read are going to be kept, so that it is at hand by then. Changes nothing.
    pub(crate) fn look_at(&self, device: &Device, points: &PointRange, shape: Shape) {
        if let Some(image) = self.devices.get(device) {
            image.look_at(points, shape);
        }
    }

    /// A write was answered: its values hold from now on, or never did.
    pub(crate) fn settle(&mut self, device: &Device, points: &PointRange, refused: bool) {
        self.turn += 1;
        if let Some(image) = self.devices.get_mut(device) {
            image.settle(points, refused, self.turn);
        }
    }

    /// The last values seen at the places where values of this shape stand; shorter where some were never seen.
    pub(crate) fn last(&self, device: &Device, points: &PointRange, shape: Shape) -> Vec<Value> {
        let Some(image) = self.devices.get(device) else { return Vec::new() };
        let places = (0..u64::from(shape.count)).take(MAX_VALUES_TOLD);
        let place = |n: u64| points.first.saturating_add(n * u64::from(shape.stride));
        places.map_while(|n| image.value(Point { space: points.space, index: place(n) }, shape)).collect()
    }

    /// For a checkpoint, sorted.
    pub(crate) fn devices(&self) -> Vec<(Device, Image)> {
        let mut devices: Vec<_> =
            self.devices.iter().map(|(device, image)| (*device, image.clone())).collect();
        devices.sort_by_key(|(device, _)| *device);
        devices
    }

    /// From a checkpoint.
    pub(crate) fn restore(&mut self, device: Device, image: Image) {
        self.turn = image.latest().max(self.turn);
        self.devices.insert(device, image.within_caps());
    }

    /// Turns are unique, so which device goes depends on no hash order.
    fn forget_stalest_device(&mut self) {
        let stalest = self.devices.iter().min_by_key(|(_, image)| image.latest()).map(|(device, _)| *device);
        if let Some(device) = stalest {
            self.devices.remove(&device);
        }
    }
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
    fn devices_are_remembered_within_bounds() {
        let mut plant = PlantValues::new(Seed(1));
        let unit = |n: usize| Device { unit: u16::try_from(n).ok(), ..device() };
        for n in 0..MAX_DEVICES + 10 {
            plant.remember(unit(n), registers(0, 0), ONE, &[0, 1], false);
        }
        assert_eq!(plant.devices.len(), MAX_DEVICES);
        assert!(plant.last(&unit(0), &registers(0, 0), ONE).is_empty(), "the first is forgotten");
        assert_eq!(plant.last(&unit(MAX_DEVICES), &registers(0, 0), ONE), [Value::Integer(1)]);
    }
}
