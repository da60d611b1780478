//! What a Modbus message touches: tables, addresses within them, how many.

use alloc::vec::Vec;

use fieldwarden_model::{PointRange, Space};

/// The areas of Modbus, as [`Space::area`] numbers them. The first four are the digit that classic references begin
/// with.
pub mod area {
    /// Coils, references 00001 onwards.
    pub const COIL: u16 = 0;
    /// Discrete inputs, references 10001 onwards.
    pub const DISCRETE_INPUT: u16 = 1;
    /// Input registers, references 30001 onwards.
    pub const INPUT_REGISTER: u16 = 3;
    /// Holding registers, references 40001 onwards.
    pub const HOLDING_REGISTER: u16 = 4;
    /// Records of files; [`Space::block`](fieldwarden_model::Space::block) is the file number.
    pub const FILE_RECORD: u16 = 6;
    /// FIFO queues, by the address of their pointer register.
    pub const FIFO: u16 = 24;
}

/// The last address of every table (AP 4.4).
pub(super) const LAST_ADDRESS: u16 = u16::MAX;

/// Neighbouring entries of one table, as a request names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Which table, one of [`area`].
    pub(super) area: u16,
    /// The file, for records; else 0.
    pub(super) block: u16,
    /// First address, from 0.
    pub(super) address: u16,
    /// How many; not bounded by anything, 0 included.
    pub(super) quantity: u16,
}

impl Object {
    /// Entries of a table that has no blocks.
    pub(super) const fn new(area: u16, address: u16, quantity: u16) -> Self {
        Self { area, block: 0, address, quantity }
    }

    /// The points, as far as they exist.
    pub(super) fn points(&self) -> Option<PointRange> {
        let beyond = u64::from(self.quantity.checked_sub(1)?);
        let first = u64::from(self.address);
        let space = Space { area: self.area, block: u32::from(self.block) };
        Some(PointRange { space, first, last: (first + beyond).min(u64::from(LAST_ADDRESS)) })
    }
}

/// The objects of one message: nearly always one, two for function 23, more only for file records.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    few: heapless::Vec<Object, 2>,
    more: Vec<Object>,
}

impl Objects {
    /// Adds one.
    pub(super) fn push(&mut self, object: Object) {
        if let Err(object) = self.few.push(object) {
            self.more.push(object);
        }
    }

    /// All, in the order of the wire.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Object> {
        self.few.iter().chain(&self.more)
    }

    /// The first.
    pub(super) fn first(&self) -> Option<&Object> {
        self.few.first()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.few.is_empty()
    }
}
