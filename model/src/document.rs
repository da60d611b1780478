//! A configuration text to be written: tables, keys and comments in the order a person should read them.
//!
//! The counterpart of [`crate::section`]: whoever knows the facts builds a [`Document`], the `config` package alone
//! knows how TOML spells it.

use alloc::{string::String, vec::Vec};

/// A text to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Comment lines at the top, without the `#`.
    pub preamble: Vec<String>,
    /// Keys before the first table.
    pub entries: Vec<Entry>,
    /// Tables in order.
    pub tables: Vec<Table>,
}

/// A table `[name]`, or one element of an array of tables `[[name]]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Comment lines above the header.
    pub comment: Vec<String>,
    /// Dotted path.
    pub path: String,
    /// Whether it is one of several (`[[path]]`).
    pub repeated: bool,
    /// Its keys.
    pub entries: Vec<Entry>,
}

/// A key, its value and a remark behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Plain,
    /// A remark on the same line, empty for none.
    pub remark: String,
}

/// A value to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// A list, written on one line while it fits.
    List(Vec<Plain>),
    /// An inline table.
    Inline(Vec<(String, Plain)>),
}
