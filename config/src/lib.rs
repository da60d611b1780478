//! Reads TOML into a tree that knows where each value stood, and writes it back.
//!
//! The only package that knows TOML (version 1.1, <https://toml.io/en/v1.1.0>). A text goes in through [`Sources`],
//! comes out of [`parse`] as a [`Section`](fieldwarden_model::section::Section), and whatever is wrong in it, be it
//! the spelling or the meaning, is told by [`render`] with file, line, column, the line itself and a caret.
//! The other way, [`write`](write()) turns a [`Document`](fieldwarden_model::document::Document) into a text that people
//! review.
//!
//! Guarantees: no text makes these functions panic; nesting is limited to 80 levels, a file to
//! [`MAX_FILE_OCTETS`]; what [`write`](write()) wrote, [`parse`] reads back as the same values.
//! [`Layout`] keeps what [`parse`] drops, the comments and the spelling, and [`weave`](weave()) writes a table anew with
//! the comments of old ones.
//! Non-goals: meaning, which belongs to whoever reads the section.
#![forbid(unsafe_code)]

mod layout;
mod parse;
mod pieces;
mod plain;
mod render;
mod source;
mod weave;
mod write;

pub use layout::{Layout, Piece, Place, Remark};
pub use parse::{load, parse, recover, together};
pub use pieces::read_tables;
pub use render::render;
pub use source::{MAX_FILE_OCTETS, ReadError, Sources, read};
pub use weave::weave;
pub use write::write;
