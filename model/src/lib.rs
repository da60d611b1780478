//! The words every part of Fieldwarden shares: plain data, no I/O, no clock.
//!
//! Nothing here judges, parses a packet or touches a device. A type lives in this package when two
//! rooms of the house must mean the same thing by it: a timestamp, a talker, an operation, an alert,
//! an order, a fault in a configuration.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod address;
pub mod alert;
pub mod assemble;
pub mod digest;
pub mod document;
pub mod frame;
pub mod operation;
pub mod order;
pub mod protect;
pub mod section;
pub mod site;
pub mod time;
pub mod week;
pub mod window;
pub mod zone;

pub use address::{AddressSpace, Endpoint, Mac, Talker, Transport, VlanStack};
pub use alert::{Addend, Alert, AlertId, Incident, IncidentId, Severity, Step, Technique};
pub use frame::{FrameRef, LinkType, Loss, RawFrame, VlanTag};
pub use operation::{Operation, Outcome, Point, PointRange, Space, Value, Values, Verb};
pub use order::{Order, OrderId, OrderState, Scope, Target};
pub use protect::Protected;
pub use section::{Fault, Section};
pub use site::Site;
/// A text that stands where its pointer would, as long as it has at most 23 octets: nearly all that a configuration has.
pub use smol_str::SmolStr as ShortText;
pub use time::Timestamp;
pub use week::WeeklyHours;
