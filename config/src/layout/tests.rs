use fieldwarden_model::document::{Document, Entry, Plain, Table};
use proptest::prelude::*;

use super::*;
use crate::{Sources, parse, weave, write};

const REVIEWED: &str = "\
# Baseline of the dosing cell
#
# reviewed by the shift

mode = \"production\"  # not maintenance

# the operator's station
[[talker]] # desk 3
address = \"10.0.0.5\"
# below its last key

# Dosing

# polls and doses
[[conversation]]
id = \"a # b\"
# the tool of the maker
functions = [3, 6]  # 16 on request
writes = [
    # dosing pump
    { points = \"40101\", minimum = 0 },  # % of full speed
    { points = \"40102\" },
    # room for more
]
";

fn places(piece: &Piece<'_>) -> Vec<String> {
    piece.remarks.iter().map(|remark| format!("{:?} {}", remark.place, remark.text)).collect()
}

#[test]
fn every_comment_is_where_a_person_would_say_it_is() {
    let layout = Layout::of(REVIEWED);
    assert_eq!(
        places(&layout.top),
        [
            "AboveTable # Baseline of the dosing cell",
            "AboveTable #",
            "AboveTable # reviewed by the shift",
            "BehindKey(\"mode\") # not maintenance"
        ]
    );
    assert_eq!(
        places(&layout.tables[0]),
        ["AboveTable # the operator's station", "BehindHeader # desk 3", "End # below its last key"]
    );
    assert_eq!(
        places(&layout.tables[1]),
        [
            "AboveTable # Dosing",
            "AboveTable # polls and doses",
            "AboveKey(\"functions\") # the tool of the maker",
            "BehindKey(\"functions\") # 16 on request",
            "AboveItem(\"writes\", \"\\\"40101\\\"\") # dosing pump",
            "BehindItem(\"writes\", \"\\\"40101\\\"\") # % of full speed",
            "AboveItem(\"writes\", \"\") # room for more",
        ]
    );
    let headers: Vec<&str> = layout
        .tables
        .iter()
        .map(|piece| REVIEWED.get(piece.header as usize..).unwrap().lines().next().unwrap())
        .collect();
    assert_eq!(headers, ["[[talker]] # desk 3", "[[conversation]]"]);
}

fn put_together(layout: &Layout<'_>) -> String {
    let tables = layout.tables.iter().map(|piece| piece.text);
    core::iter::once(layout.top.text).chain(tables).collect()
}

#[test]
fn the_pieces_are_the_text() {
    assert_eq!(put_together(&Layout::of(REVIEWED)), REVIEWED);
}

#[test]
fn what_looks_like_a_comment_is_none() {
    let text = "[[a]]\nb = '''\n# no\n[[a]]\n'''\nc = \"\\\" # no\"\nd = { e = '#' } # yes\n[[a]]\n[[a.within]]\n# too\nx = 1\n";
    let layout = Layout::of(text);
    assert_eq!(layout.tables.len(), 2);
    assert_eq!(places(&layout.tables[0]), ["BehindKey(\"d\") # yes"]);
    assert_eq!(
        places(&layout.tables[1]),
        ["AboveKey(\"within\") # too"],
        "a table within belongs to its key"
    );
}

fn table(writes: &[&str]) -> Table {
    let item = |points: &&str| Plain::Inline(vec![("points".into(), Plain::Text((*points).into()))]);
    let writes = Entry {
        key: "writes".into(),
        value: Plain::List(writes.iter().map(item).collect()),
        remark: String::new(),
    };
    Table { path: "conversation".into(), repeated: true, entries: vec![writes], ..Table::default() }
}

#[test]
fn comments_go_with_what_they_are_about() {
    let layout = Layout::of(REVIEWED);
    let woven = weave(&table(&["40101", "40103"]), &layout.tables[1].remarks);
    assert_eq!(
        woven,
        "# Dosing\n# polls and doses\n# functions: the tool of the maker\n# functions: 16 on request\n[[conversation]]\nwrites = [\n    \
         # dosing pump\n    { points = \"40101\" },  # % of full speed\n    { points = \"40103\" },\n    # room for more\n]\n"
    );
    let without = weave(&table(&["40103"]), &layout.tables[1].remarks);
    assert!(without.contains("# 40101: dosing pump\n# 40101: % of full speed\nwrites = [\n"), "{without}");
}

#[test]
fn the_top_is_woven_too() {
    let mode = Entry { key: "mode".into(), value: Plain::Text("startup".into()), remark: String::new() };
    let top = Table { entries: vec![mode], ..Table::default() };
    let woven = weave(&top, &Layout::of(REVIEWED).top.remarks);
    assert!(woven.ends_with("# reviewed by the shift\n\nmode = \"startup\"  # not maintenance\n"), "{woven}");
}

proptest! {
    #[test]
    fn no_text_is_lost_and_none_panics(text in "[\\[\\]\\{\\}a=.\"'#,\\n\\\\ 0-9é]{0,200}|\\PC*") {
        prop_assert_eq!(put_together(&Layout::of(&text)), text);
    }

    #[test]
    fn whatever_was_written_keeps_its_comments(
        comments in proptest::collection::vec("[ -~]{1,12}", 4),
        points in proptest::collection::vec("[0-9]{1,4}", 1..4),
    ) {
        let own: Vec<&str> = points.iter().map(String::as_str).collect();
        let mut written = table(&own);
        written.comment = vec![comments[0].clone()];
        written.entries[0].remark.clone_from(&comments[1]);
        let document = Document { preamble: vec![comments[2].clone()], entries: Vec::new(), tables: vec![written.clone(), written] };
        let text = write(&document);
        let layout = Layout::of(&text);
        prop_assert_eq!(put_together(&layout), text.clone());
        prop_assert_eq!(layout.tables.len(), 2);
        let woven = weave(&table(&["1"]), &layout.tables[1].remarks);
        for comment in &comments[..2] {
            prop_assert!(woven.contains(comment.trim_end()), "{} in {}", comment, woven);
        }
        let mut sources = Sources::new();
        let file = sources.add("woven", woven.clone());
        prop_assert!(parse(&sources, file).is_ok(), "{}", woven);
    }
}
