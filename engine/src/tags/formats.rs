//! Lists told apart by their header, and read.

use super::{
    Tag, Type, address,
    lines::{cells, separator},
};

/// Tags of one list; a list that goes on is refused, for nobody would know what was left out.
pub const MAX_TAGS: usize = 100_000;
/// Lines in which the header is looked for: exports begin with remarks.
const HEADER_WITHIN: usize = 64;
/// Faults told of one list.
const MAX_FAULTS: usize = 32;

/// What is wrong in a list, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
}

/// Who wrote a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `address,name,type,word order,scale,unit`: the first column is the address.
    Own,
    /// Tags of a PLC out of TIA Portal.
    Tia,
    /// Tags of a controller out of Studio 5000.
    Logix,
    /// Variables out of Unity Pro or Control Expert.
    Unity,
}

/// Where the columns stand.
#[derive(Debug, Default)]
struct Columns {
    address: Option<usize>,
    name: Option<usize>,
    kind: Option<usize>,
    order: Option<usize>,
    scale: Option<usize>,
    unit: Option<usize>,
    scope: Option<usize>,
    row: Option<usize>,
}

/// Reads a list.
///
/// # Errors
/// Every fault with its line, at most [`MAX_FAULTS`] of them.
pub fn read(text: &str) -> Result<Vec<Tag>, Vec<TagFault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate();
    let header = lines.by_ref().take(HEADER_WITHIN).find_map(|(_, line)| {
        let separator = separator(line);
        let (format, columns) = header(&cells(line, separator))?;
        Some((format, columns, separator))
    });
    let Some((format, columns, separator)) = header else { return Err(vec![no_header()]) };
    let (mut tags, mut faults) = (Vec::new(), Vec::new());
    for (at, line) in lines {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |(message, help): (String, String)| TagFault { line: at + 1, message, help };
        if tags.len() >= MAX_TAGS {
            let help = String::from("list the points that are written, and leave out what nobody writes");
            return Err(vec![fault((format!("there are more than {MAX_TAGS} tags"), help))]);
        }
        match row(format, &columns, &cells(line, separator)) {
            Ok(tag) => tags.extend(tag),
            Err(told) if faults.len() < MAX_FAULTS => faults.push(fault(told)),
            Err(_) => {}
        }
    }
    if faults.is_empty() { Ok(tags) } else { Err(faults) }
}

fn no_header() -> TagFault {
    TagFault {
        line: 1,
        message: String::from("there is no line that names the columns"),
        help: String::from(
            "write `address,name,type,word order,scale,unit` before the first tag; or export tags from TIA Portal, Studio 5000 or \
             Control Expert with their header",
        ),
    }
}

fn header(cells: &[String]) -> Option<(Format, Columns)> {
    let words: Vec<String> = cells.iter().map(|cell| cell.to_lowercase().replace('_', " ")).collect();
    let find = |names: &[&str]| words.iter().position(|word| names.contains(&word.as_str()));
    let mut columns = Columns {
        address: find(&["address", "logical address"]),
        name: find(&["name", "variable"]),
        kind: find(&["type", "data type"]),
        order: find(&["word order"]),
        scale: find(&["scale"]),
        unit: find(&["unit", "units"]),
        ..Columns::default()
    };
    if let (Some(kind), Some(name), Some(scope)) = (find(&["datatype"]), find(&["name"]), find(&["scope"])) {
        columns = Columns {
            kind: Some(kind),
            name: Some(name),
            scope: Some(scope),
            row: find(&["type"]),
            ..columns
        };
        return Some((Format::Logix, columns));
    }
    let whole = columns.address.is_some() && columns.name.is_some() && columns.kind.is_some();
    let format = match columns.address {
        _ if !whole => return None,
        _ if find(&["logical address"]).is_some() => Format::Tia,
        Some(0) => Format::Own,
        _ => Format::Unity,
    };
    Some((format, columns))
}

/// What a row says: a tag; nothing, where an export lists what has no address or no plain type; or what is wrong with it.
fn row(format: Format, columns: &Columns, cells: &[String]) -> Result<Option<Tag>, (String, String)> {
    let cell = |column: Option<usize>| column.and_then(|at| cells.get(at)).map_or("", String::as_str);
    let (name, text) = (cell(columns.name), cell(columns.address));
    if format == Format::Logix && cell(columns.row) != "TAG" {
        return Ok(None);
    }
    let Some(kind) = kind(cell(columns.kind)) else {
        let help = String::from("write bool, int8 to int64, uint8 to uint64, float32 or float64");
        let fault = (format!("`{}` is no type of a tag", cell(columns.kind)), help);
        return if format == Format::Own { Err(fault) } else { Ok(None) };
    };
    let place = match format {
        Format::Own => address::any(text, kind),
        Format::Tia => address::step_seven(text, kind),
        Format::Unity => address::unity(text, kind),
        Format::Logix => Some(address::logix(cell(columns.scope), name)),
    };
    let Some((protocol, points)) = place else {
        // Variables without an address cannot be asked for by one.
        if format != Format::Own {
            return Ok(None);
        }
        let help = String::from(
            "write a Modbus reference such as `40101` or a STEP 7 address such as `DB1.DBD4` that fits the type",
        );
        return Err((format!("`{text}` is no address of this type"), help));
    };
    if name.is_empty() {
        return Err((String::from("the tag has no name"), String::from("name it, or leave out the line")));
    }
    Ok(Some(Tag {
        name: name.to_owned(),
        protocol,
        points,
        kind,
        low_word_first: low_word_first(cell(columns.order))?,
        scale: scale(cell(columns.scale))?,
        unit: cell(columns.unit).to_owned(),
    }))
}

fn kind(text: &str) -> Option<Type> {
    Some(match text.to_lowercase().as_str() {
        "bool" | "ebool" => Type::Bool,
        "byte" | "usint" | "uint8" => Type::Unsigned(1),
        "sint" | "int8" => Type::Signed(1),
        "word" | "uint" | "uint16" => Type::Unsigned(2),
        "int" | "int16" => Type::Signed(2),
        "dword" | "udint" | "uint32" => Type::Unsigned(4),
        "dint" | "int32" => Type::Signed(4),
        "lword" | "ulint" | "uint64" => Type::Unsigned(8),
        "lint" | "int64" => Type::Signed(8),
        "real" | "float" | "float32" => Type::Float(4),
        "lreal" | "double" | "float64" => Type::Float(8),
        _ => return None,
    })
}

fn low_word_first(text: &str) -> Result<bool, (String, String)> {
    match text.to_lowercase().as_str() {
        "" | "high" | "high first" | "big" => Ok(false),
        "low" | "low first" | "little" => Ok(true),
        _ => Err((
            format!("`{text}` is no word order"),
            String::from("write `high` where the first word is the upper half, `low` where it is the lower"),
        )),
    }
}

fn scale(text: &str) -> Result<f64, (String, String)> {
    if text.is_empty() {
        return Ok(1.0);
    }
    let scale = text.parse::<f64>().ok().filter(|scale| scale.is_finite() && *scale != 0.0);
    scale.ok_or_else(|| {
        (
            format!("`{text}` is no scale"),
            String::from("write the factor from wire to unit, such as `0.1`; without one it is 1"),
        )
    })
}
