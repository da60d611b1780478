//! Tables people can read, and the same rows as JSON Lines for machines.

use std::io::{BufWriter, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::Outcome;

/// A column: its heading and the key of the row it shows.
pub(crate) type Column = (&'static str, &'static str);

/// Prints rows as JSON Lines, or as a table of the given columns.
pub(crate) fn print(rows: &[Value], columns: &[Column], json: bool) -> Outcome {
    // A hundred thousand lines are not a hundred thousand calls of the system.
    let mut out = BufWriter::new(std::io::stdout().lock());
    if json {
        for row in rows {
            writeln!(out, "{row}")?;
        }
        out.flush()?;
        return Ok(());
    }
    let mut table = plain();
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows {
        table.add_row(columns.iter().map(|(_, key)| cell(row.get(*key).unwrap_or(&Value::Null))));
    }
    writeln!(out, "{table}")?;
    out.flush()?;
    Ok(())
}

/// An empty table in the house style.
pub(crate) fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// A value as a person reads it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
