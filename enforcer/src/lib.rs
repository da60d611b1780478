//! Orders carried out on devices: plan, journal, apply, read back, revert.
//!
//! This is the only part of Fieldwarden that changes a device. It sees orders, never packets, and links no parser of
//! packets. It treats the daemon as hostile: protected entries and interlocks come from its own copy of the site
//! file, every order is judged again, and the daemon's silence undoes what was applied.
//!
//! Guarantees
//! - No order is in force beyond its lapse, nor beyond its keep deadline without a keep; where the device can hold an
//!   expiry it holds the nearer of the two, so that this holds with every program of ours dead.
//! - No order whose match would reach a protected entry is applied.
//! - No device is changed by an order that the journal does not hold on disk.
//! - A change counts as done when the device reads back as desired; otherwise it is undone or reported as stuck.
//!
//! What it does not do: it judges no traffic and starts nothing on its own.

pub mod command;
pub mod content;
pub mod drivers;
pub mod interlocks;
pub mod journal;
pub mod moment;
mod netlink;
pub mod order_life;
pub mod points;
mod privileges;
mod server;
pub mod settings;
mod sys;
pub mod warden;
pub mod wire;
