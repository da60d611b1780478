use fieldwarden_model::{
    document::{Document, Entry, Plain, Table},
    section::Reader,
};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{parse::parse, render, write};

/// Keeps what it was handed, so that two ways of reading can be held against each other.
#[derive(Default)]
struct Kept {
    tables: Vec<(String, Section)>,
    faults: Vec<Fault>,
}

impl Assemble for Kept {
    type Output = (Vec<(String, Section)>, Section);
    const REPEATED: &'static [&'static str] = &["talker", "conversation"];

    fn take(&mut self, key: &str, table: &Section) {
        let mut reader = Reader::new(table);
        for known in ["id", "reads", "writes", "where"] {
            reader.node(known);
        }
        self.faults.extend(reader.finish());
        self.tables.push((key.to_owned(), table.clone()));
    }

    fn finish(mut self, top: &Section) -> Result<Self::Output, Vec<Fault>> {
        // A whole tree has its tables by key, the pieces have them as the file mixes them.
        self.tables.sort_by_key(|(_, table)| table.at);
        let mut top = top.clone();
        top.entries.retain(|(key, _)| !Self::REPEATED.contains(&key.name.as_str()));
        self.faults.sort_by_key(|fault| fault.at);
        if self.faults.is_empty() { Ok((self.tables, top)) } else { Err(self.faults) }
    }
}

/// Reads a text both ways; whether it was read by pieces.
fn both_ways(text: &str) -> bool {
    let mut sources = Sources::new();
    sources.add("other.toml", "");
    let file = sources.add("baseline.toml", text);
    let (top, spelling) = recover(&sources, file);
    let whole = assemble::<Kept>(&top);
    assert_eq!(read_tables::<Kept>(&sources, file), (whole, spelling), "{text}");
    by_piece::<Kept>(text, file).is_some()
}

/// Enough lines to let a piece end.
fn filler() -> String {
    format!("[[talker]]\nid = \"{}\"\n", "x".repeat(PIECE_OCTETS))
}

#[test]
fn pieces_say_what_the_whole_says() {
    let filler = filler();
    for text in [
        "mode = \"normal\"\n[learned]\nframes = 5\n[[talker]]\nid = \"a\"\n[[conversation]]\nid = \"b\"\n[[talker]]\nid = 'c'\n",
        "[[talker]]\n",
        "",
        "# nothing but words\n",
        "\u{feff}mode = \"normal\"\r\n[[talker]]\r\nid = \"a\"\r\n",
        "[[talker]]\nid = \"a\" # said\nwhere.row = 3\n[talker.reads]\nx = 1\n",
    ] {
        assert!(both_ways(text), "{text}");
        assert!(both_ways(&format!("{text}{filler}{filler}")), "{text}");
    }
}

#[test]
fn what_cannot_be_cut_is_read_whole() {
    let filler = filler();
    for quotes in ["\"\"\"", "'''"] {
        // The second filler lies past the size of a piece, within the text.
        assert!(
            !both_ways(&format!("{filler}[[talker]]\nid = {quotes}\n{filler}{filler}{quotes}\n")),
            "{quotes}"
        );
        both_ways(&format!("{filler}[[talker]]\nid = {quotes}\n[[talker]]\n{quotes}\n{filler}"));
    }
    for tail in ["[learned]\nframes = 1\n", "[other]\nframes = 1\n", "[[other]]\nframes = 1\n"] {
        assert!(!both_ways(&format!("{filler}{tail}")), "{tail}");
    }
    assert!(!both_ways(&format!("talker = []\n{filler}")), "the key stands twice");
    assert!(!both_ways(&format!("[talker]\nid = 1\n{filler}")));
}

#[test]
fn faults_have_the_places_they_have_in_the_whole() {
    let filler = filler();
    for slip in [
        "id = plant\n",
        "id = \"open\n",
        "reads = [1, 2\n",
        "idd = 1\n",
        "id = 1\nid = 2\n",
        "[[site\n",
        "\u{1}\n",
    ] {
        both_ways(&format!("{filler}{filler}[[conversation]]\n{slip}{filler}"));
    }
    let mut sources = Sources::new();
    let file = sources.add("baseline.toml", format!("{filler}{filler}[[conversation]]\nidd = \"a\"\n"));
    let faults = read_tables::<Kept>(&sources, file).0.unwrap_err();
    let told = render(&faults, &sources);
    assert!(told.contains("baseline.toml:6:1") && told.contains("did you mean `id`?"), "{told}");
}

/// What the plain reader makes of a text, where it reads it, against the general parser; whether it read it.
fn plainly(text: &str) -> bool {
    let mut sources = Sources::new();
    let file = sources.add("plain.toml", text);
    let Some(section) = plain(text, file, 0) else { return false };
    let whole = parse(&sources, file);
    let whole = whole.unwrap_or_else(|faults| panic!("{text}\n{}", render(&faults, &sources)));
    assert_eq!(section, whole, "{text}");
    true
}

#[test]
fn the_form_written_is_read_plainly() {
    assert!(plainly(
        "# c\n[[a]] # d\nk = [\n    1, # e\n    -2.50,\n]\n\nt = { x = \"ü\", y = [true, false], z = {} }\n[[b-c]]\n[[a]]\nk = -0",
    ));
    for not_plain in [
        "a = 1\n",
        "[[a]]\nb = 01\n",
        "[[a]]\nb = 1e5\n",
        "[[a]]\nb = 1_0\n",
        "[[a]]\nb = \"\\n\"\n",
        "[[a]]\nb = 'c'\n",
        "[[a]]\nb = 1\nb = 2\n",
        "[[a]]\nb = 2026-01-02\n",
        "[[a]]\nb = \"\"\"c\"\"\"\n",
        "[[a.b]]\n",
        "[a]\n",
        "[[a]] b = 1\n",
        "[[a]]\nb = {c = 1,}\n",
        "[[a]]\nb = [1 2]\n",
        "[[a]]\nb = 1 c = 2\n",
        "[[a]]\nb = tru\n",
        "[[a]]\nb = truee\n",
        "[[a]]\nb = [,]\n",
        "[[a]]\nb\n",
        "[[a]]\nb = 9999999999999999999\n",
        "[[a]]\nb = 1 # \u{7f}\n",
        "[[a]]\nb = .5\n",
    ] {
        assert!(!plainly(not_plain), "{not_plain}");
    }
}

fn leaf() -> impl Strategy<Value = Plain> {
    prop_oneof![
        "[ -~äß\\t]{0,12}".prop_map(Plain::Text),
        any::<i64>().prop_map(Plain::Integer),
        (-1000i32..1000).prop_map(|n| Plain::Float(f64::from(n) / 8.0)),
        any::<bool>().prop_map(Plain::Boolean),
    ]
}

fn value() -> impl Strategy<Value = Plain> {
    leaf().prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Plain::List),
            vec(inner, 0..4).prop_map(|items| {
                Plain::Inline(
                    items.into_iter().enumerate().map(|(n, item)| (format!("k{n}"), item)).collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn plain_texts_are_read_as_the_general_parser_reads_them(
        tables in vec((prop_oneof!["talker", "conversation"], vec(value(), 0..6), "[ -~]{0,9}"), 1..6),
        slip in any::<proptest::sample::Index>(),
        octet in "[\\[\\]{}=,\"#.\\n\\\\ a0-]",
    ) {
        let tables = tables
            .into_iter()
            .map(|(path, values, remark)| Table {
                comment: vec![remark.clone()],
                path,
                repeated: true,
                entries: values
                    .into_iter()
                    .enumerate()
                    .map(|(n, value)| Entry { key: format!("k{n}"), value, remark: remark.clone() })
                    .collect(),
            })
            .collect();
        let text = write(&Document { tables, ..Document::default() });
        plainly(&text);
        // A slip anywhere: what is still read is read alike.
        let place = slip.index(text.len());
        if text.is_char_boundary(place) {
            let mut slipped = text;
            slipped.insert_str(place, &octet);
            plainly(&slipped);
        }
    }
}
