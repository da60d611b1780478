//! A message of a peer as a tree: bounded in depth and in elements, without document types and without entities of its own.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};
use thiserror::Error;

/// The deepest nesting: a reply about ports has ten levels.
const MAX_DEPTH: usize = 32;
/// The most elements of one message.
const MAX_ELEMENTS: usize = 200_000;
/// The longest namespace; longer ones are none that is known.
const MAX_NAMESPACE: usize = 200;
/// How much of a peer's words is told.
const MAX_TOLD: usize = 200;

/// Why a message is no tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is no XML.
    #[error("a message is no XML: {0}")]
    NoXml(String),
    /// It is nested deeper than any answer is.
    #[error("a message is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// It has more elements than any answer has.
    #[error("a message has more than {MAX_ELEMENTS} elements")]
    TooMany,
    /// It holds what no message of NETCONF may hold.
    #[error("a message holds {0}, which none may")]
    Forbidden(&'static str),
    /// Nothing is in it, or more than one element.
    #[error("a message is not one element")]
    NotOne,
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The namespace it is in; empty for none.
    pub namespace: String,
    /// Its name without a prefix.
    pub name: String,
    /// The text directly in it.
    pub text: String,
    /// What is in it.
    pub children: Vec<Element>,
    /// Its attribute `message-id`, where it has one.
    pub message_id: Option<String>,
}

impl Element {
    /// Reads one message.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(message: &str) -> Result<Self, Malformed> {
        let mut reader = NsReader::from_str(message);
        // What is complete is at the bottom, and whatever is open above it.
        let mut open = vec![Self::default()];
        let mut count = 0_usize;
        loop {
            let (namespace, event) = reader.read_resolved_event().map_err(|fault| no_xml(&fault))?;
            match event {
                Event::Start(start) => {
                    count = counted(count, open.len())?;
                    open.push(Self::begin(&namespace, &start)?);
                }
                Event::Empty(start) => {
                    count = counted(count, open.len())?;
                    let element = Self::begin(&namespace, &start)?;
                    add(&mut open, element)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(Malformed::NotOne)?;
                    add(&mut open, element)?;
                }
                Event::Text(text) => say(&mut open, &text.xml10_content())?,
                Event::CData(text) => say(&mut open, &text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|fault| no_xml(&fault))?;
                    let character = character.or_else(|| predefined(&reference));
                    let character = character.ok_or(Malformed::Forbidden("an entity of its own"))?;
                    say(&mut open, character.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => return Err(Malformed::Forbidden("a document type")),
                Event::PI(_) => return Err(Malformed::Forbidden("a processing instruction")),
                Event::Decl(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        let mut whole = open.pop().filter(|_| open.is_empty()).ok_or(Malformed::NotOne)?;
        let root = whole.children.pop().filter(|_| whole.children.is_empty());
        root.ok_or(Malformed::NotOne)
    }

    fn begin(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Result<Self, Malformed> {
        let namespace = match namespace {
            ResolveResult::Bound(name) => name.into_inner().chars().take(MAX_NAMESPACE).collect(),
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(_) => return Err(Malformed::NoXml("a prefix is not declared".into())),
        };
        let id =
            start.try_get_attribute("message-id").map_err(|fault| Malformed::NoXml(fault.to_string()))?;
        let id = id.map(|id| id.normalized_value(XmlVersion::Implicit1_0).map(|id| id.into_owned()));
        let message_id = id.transpose().map_err(|fault| no_xml(&fault))?;
        let name = start.local_name().into_inner().to_owned();
        Ok(Self { namespace, name, message_id, ..Self::default() })
    }

    /// Its first child of a name.
    #[must_use]
    pub fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    /// Its children of a name.
    pub fn all<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(namespace, name))
    }

    /// Whether it is of that name.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace == namespace
    }
}

fn counted(count: usize, depth: usize) -> Result<usize, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::TooDeep);
    }
    if count >= MAX_ELEMENTS { Err(Malformed::TooMany) } else { Ok(count + 1) }
}

fn add(open: &mut [Element], mut element: Element) -> Result<(), Malformed> {
    // White space between elements is layout; in a leaf it is content.
    if !element.children.is_empty() {
        element.text = String::new();
    }
    open.last_mut().ok_or(Malformed::NotOne)?.children.push(element);
    Ok(())
}

fn say(open: &mut [Element], text: &str) -> Result<(), Malformed> {
    let is_outside = open.len() < 2;
    if is_outside && !text.trim().is_empty() {
        return Err(Malformed::NotOne);
    }
    if let Some(element) = open.last_mut().filter(|_| !is_outside) {
        element.text.push_str(text);
    }
    Ok(())
}

/// The entities that every document knows (XML 1.0, 4.6).
fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

fn no_xml(fault: &quick_xml::Error) -> Malformed {
    Malformed::NoXml(told(&fault.to_string()))
}

/// What a peer said, short and without anything that moves a cursor.
#[must_use]
pub fn told(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}

/// Text as it is written into a message. Characters that XML has no way to write are left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let is_allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let mut written = String::with_capacity(text.len());
    for character in text.chars().filter(is_allowed) {
        match character {
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '&' => written.push_str("&amp;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&apos;"),
            // A line end would be read as another one, and a carriage return as none.
            '\r' => written.push_str("&#13;"),
            other => written.push(other),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_told_with_their_namespaces_whatever_the_prefix() {
        let text = r#"<?xml version="1.0"?><a:rpc-reply message-id="7" xmlns:a="urn:a"><b xmlns="urn:b"> <c>x &lt;&#x41;&amp; </c>
            <c><![CDATA[<y>]]></c></b></a:rpc-reply>"#;
        let root = Element::read(text).unwrap();
        assert!(root.is("urn:a", "rpc-reply"));
        assert_eq!(root.message_id.as_deref(), Some("7"));
        let b = root.child("urn:b", "b").unwrap();
        assert_eq!(b.all("urn:b", "c").map(|c| c.text.as_str()).collect::<Vec<_>>(), ["x <A& ", "<y>"]);
        assert_eq!((b.text.as_str(), root.child("", "b")), ("", None));
    }

    #[test]
    fn what_is_hostile_is_named() {
        let read = |text: &str| Element::read(text).unwrap_err();
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        assert_eq!(read(bomb), Malformed::Forbidden("a document type"));
        assert_eq!(read("<a>&c;</a>"), Malformed::Forbidden("an entity of its own"));
        assert_eq!(read("<a><?x y?></a>"), Malformed::Forbidden("a processing instruction"));
        assert_eq!(read(&"<a>".repeat(40)), Malformed::TooDeep);
        assert_eq!(read(&format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS))), Malformed::TooMany);
        for text in ["", "<a/><b/>", "x<a/>", "<a/>x", "<a>"] {
            assert_eq!(read(text), Malformed::NotOne, "{text}");
        }
        for text in ["<a></b>", "<x:a/>", "<a", "</a>", "<a>&#0;</a>", "<a message-id=7/>"] {
            assert!(matches!(read(text), Malformed::NoXml(_)), "{text}: {:?}", read(text));
        }
        assert_eq!(told("\u{1b}[2J\n x"), "\\u{1b}[2J x");
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_was_written(text in "\\PC{0,40}") {
            let element = Element::read(&format!("<a>{}</a>", escaped(&text))).unwrap();
            prop_assert_eq!(element.text, text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[<>/&;a-c \"'=:!\\[\\]?#x-]{0,80}") {
            let _ = Element::read(&text);
        }
    }
}
