//! The words of a login.

use super::{MAX_PROMPT, MAX_TYPED};
use crate::{Direction, plain::Text};

/// What was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A user's name was typed.
    User(&'a str),
    /// A password was typed.
    Password,
    /// A login was refused.
    Refused,
    /// Another line was typed.
    Line(&'a str),
}

/// What the server asked for last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    User,
    Password,
}

/// Words that end a question for a name, or for a password, and words of a refusal.
const NAMES: [&str; 4] = ["login:", "username:", "user:", "user name:"];
const PASSWORDS: [&str; 2] = ["password:", "passwd:"];
const REFUSALS: [&str; 5] =
    ["login incorrect", "login failed", "access denied", "authentication failed", "invalid password"];

/// A dialogue.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    asked: Asked,
    prompt: Text<MAX_PROMPT>,
    typed: Text<MAX_TYPED>,
    /// Whether the line at hand was refused already.
    refused: bool,
}

impl Dialogue {
    /// One octet of text.
    pub(super) fn hear(&mut self, direction: Direction, octet: u8, each: &mut dyn FnMut(Said<'_>)) {
        match direction {
            Direction::ToClient => self.printed(octet, each),
            Direction::ToServer => self.typed(octet, each),
        }
    }

    /// Octets are missing. What was asked stands: rather a line too many is taken for a password than one too few.
    pub(super) fn gap(&mut self, direction: Direction) {
        match direction {
            Direction::ToServer => self.typed.clear(),
            Direction::ToClient => self.prompt.clear(),
        }
    }

    /// Whether a line is being typed.
    pub(super) fn is_typing(&self) -> bool {
        !self.typed.is_empty()
    }

    fn printed(&mut self, octet: u8, each: &mut dyn FnMut(Said<'_>)) {
        if octet == b'\n' || octet == b'\r' {
            self.prompt.clear();
            self.refused = false;
            return;
        }
        self.prompt.push_ascii(&[octet.to_ascii_lowercase()]);
        let line = self.prompt.as_str().trim_end();
        if NAMES.iter().any(|name| line.ends_with(name)) {
            self.asked = Asked::User;
        } else if PASSWORDS.iter().any(|name| line.ends_with(name)) {
            self.asked = Asked::Password;
        } else if !self.refused && REFUSALS.iter().any(|words| line.contains(words)) {
            self.refused = true;
            self.asked = Asked::Nothing;
            each(Said::Refused);
        }
    }

    fn typed(&mut self, octet: u8, each: &mut dyn FnMut(Said<'_>)) {
        match octet {
            b'\r' | b'\n' => {
                let typed = self.typed.as_str();
                match core::mem::take(&mut self.asked) {
                    Asked::Password => each(Said::Password),
                    _ if typed.is_empty() => {}
                    Asked::User => each(Said::User(typed)),
                    Asked::Nothing => each(Said::Line(typed)),
                }
                self.typed.clear();
                // What was asked is answered, also where the server's next words follow without a new line.
                self.prompt.clear();
            }
            8 | 127 => self.typed.pop(),
            32..=126 => self.typed.push_ascii(&[octet]),
            _ => {}
        }
    }
}
