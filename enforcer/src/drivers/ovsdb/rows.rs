//! What a switch says of its ports: rows of the tables `Port`, `Interface`, `Bridge` and `Open_vSwitch` (RFC 7047, 5.1;
//! ovs-vswitchd.conf.db(5)), read into what an interlock needs.

use std::collections::BTreeMap;

use fieldwarden_model::{Mac, order::is_place};
use serde_json::{Value, json};

use super::wire::told;
use crate::drivers::ports::vlan;

/// The name of the database.
pub const DATABASE: &str = "Open_vSwitch";
/// The key in `external_ids` of a port under which we keep the VLAN it had.
pub const MARK: &str = "fieldwarden_vlan_before";
/// The most ports, interfaces and bridges that are read of one switch.
const MAX_ROWS: usize = 16_384;

/// What a switch has, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its ports by name.
    pub ports: BTreeMap<String, Port>,
    /// The bridges by name.
    pub bridges: Vec<String>,
    /// The number of the configuration demanded last.
    pub next_cfg: u64,
    /// The number of the configuration that the switch has taken.
    pub cur_cfg: u64,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its row.
    pub uuid: String,
    /// Its access VLAN.
    pub tag: Option<u16>,
    /// The VLANs it is said to carry beside, as the switch told them.
    pub trunks: Vec<u64>,
    /// Its mode, where one is written.
    pub vlan_mode: Option<String>,
    /// The VLAN it had before we moved it, as we wrote it down there; an error when what is there is no VLAN.
    pub before: Option<Result<u16, String>>,
    /// How many interfaces it has: more than one is a bond.
    pub interfaces: usize,
    /// The kind of the first interface that is none of a plain cable.
    pub odd_kind: Option<String>,
    /// Whether LLDP is spoken on it, as between switches.
    pub lldp: bool,
    /// Numbers of its interfaces in the forwarding plane.
    pub numbers: Vec<u64>,
    /// The bridge it is part of.
    pub bridge: String,
    /// Addresses the switch's own configuration says are attached there.
    pub attached: Vec<Mac>,
}

/// The questions that a [`Snapshot`] is read from, as parameters of `transact`.
#[must_use]
pub fn questions() -> Value {
    let select = |table: &str, columns: &[&str]| json!({ "op": "select", "table": table, "where": [], "columns": columns });
    json!([
        DATABASE,
        select("Port", &["_uuid", "name", "tag", "trunks", "vlan_mode", "external_ids", "interfaces"]),
        select("Interface", &["_uuid", "type", "lldp", "external_ids", "ofport"]),
        select("Bridge", &["name", "ports"]),
        select("Open_vSwitch", &["next_cfg", "cur_cfg"]),
    ])
}

/// The rows of each answer of a `transact`.
///
/// # Errors
/// What the switch did not do and why, or what cannot be understood, as a sentence.
pub fn answers(result: &Value) -> Result<&Vec<Value>, String> {
    let all = result.as_array().ok_or_else(|| format!("no list of answers but {}", told(result)))?;
    for answer in all {
        if let Some(error) = answer.get("error") {
            let details = answer.get("details").map(told).unwrap_or_default();
            return Err(format!("{} {details}", told(error)).trim_end().to_owned());
        }
    }
    Ok(all)
}

impl Snapshot {
    /// Reads the result of [`questions`].
    ///
    /// # Errors
    /// What cannot be understood, as a sentence.
    pub fn read(result: &Value) -> Result<Self, String> {
        let answers = answers(result)?;
        let rows = |at: usize, table: &str| {
            let rows = answers.get(at).and_then(|answer| answer.get("rows")).and_then(Value::as_array);
            let rows = rows.ok_or_else(|| format!("no rows of table {table}"))?;
            if rows.len() > MAX_ROWS {
                Err(format!("more than {MAX_ROWS} rows of {table}"))
            } else {
                Ok(rows)
            }
        };
        let mut snapshot = Self::default();
        let interfaces: BTreeMap<&str, &Value> =
            rows(1, "Interface")?.iter().filter_map(|row| Some((uuid(row.get("_uuid")?)?, row))).collect();
        let mut bridge_of: BTreeMap<&str, &str> = BTreeMap::new();
        for row in rows(2, "Bridge")? {
            let name = text(row, "name").filter(|name| is_place(name)).ok_or("a bridge without a name")?;
            snapshot.bridges.push(name.into());
            bridge_of.extend(set(row.get("ports")).into_iter().filter_map(uuid).map(|port| (port, name)));
        }
        for row in rows(0, "Port")? {
            let name = text(row, "name").ok_or("a port without a name")?;
            let mut port =
                Port::read(row).ok_or_else(|| format!("port {} is no port", told(&name.into())))?;
            port.bridge = bridge_of.get(port.uuid.as_str()).copied().unwrap_or_default().into();
            for id in set(row.get("interfaces")).into_iter().filter_map(uuid) {
                port.interfaces += 1;
                interfaces.get(id).into_iter().for_each(|interface| port.add(interface));
            }
            snapshot.ports.insert(name.into(), port);
        }
        let whole = rows(3, "Open_vSwitch")?.first().ok_or("an empty table Open_vSwitch")?;
        let number = |key: &str| whole.get(key).and_then(Value::as_u64).ok_or_else(|| format!("no {key}"));
        (snapshot.next_cfg, snapshot.cur_cfg) = (number("next_cfg")?, number("cur_cfg")?);
        Ok(snapshot)
    }
}

impl Port {
    fn read(row: &Value) -> Option<Self> {
        let tag = match set(row.get("tag")).as_slice() {
            [] => None,
            [tag] => Some(vlan(tag.as_u64()?)?),
            _ => return None,
        };
        let mark = map(row.get("external_ids")).into_iter().find(|(key, _)| *key == MARK);
        let before =
            mark.map(|(_, value)| value.parse().ok().and_then(vlan).ok_or_else(|| told(&value.into())));
        Some(Self {
            uuid: uuid(row.get("_uuid")?)?.into(),
            tag,
            trunks: set(row.get("trunks")).into_iter().filter_map(Value::as_u64).collect(),
            vlan_mode: set(row.get("vlan_mode")).first().map(|mode| told(mode)),
            before,
            ..Self::default()
        })
    }

    fn add(&mut self, interface: &Value) {
        let kind = text(interface, "type").unwrap_or_default();
        if !matches!(kind, "" | "system" | "dpdk" | "afxdp" | "tap") && self.odd_kind.is_none() {
            self.odd_kind = Some(told(&kind.into()));
        }
        let is_on = |(key, value): &(&str, &str)| *key == "enable" && *value == "true";
        self.lldp |= map(interface.get("lldp")).iter().any(is_on);
        self.numbers.extend(set(interface.get("ofport")).into_iter().filter_map(Value::as_u64));
        let ids = map(interface.get("external_ids")).into_iter();
        self.attached.extend(
            ids.filter(|(key, _)| *key == "attached-mac").filter_map(|(_, mac)| mac.parse::<Mac>().ok()),
        );
    }
}

/// The members of a set; RFC 7047, 5.1 lets a set of one member be written without its brackets.
fn set(value: Option<&Value>) -> Vec<&Value> {
    let Some(value) = value else { return Vec::new() };
    match value.as_array().map(Vec::as_slice) {
        Some([kind, members]) if kind == "set" => members.as_array().into_iter().flatten().collect(),
        _ => vec![value],
    }
}

/// The pairs of a map of texts.
fn map(value: Option<&Value>) -> Vec<(&str, &str)> {
    match value.and_then(Value::as_array).map(Vec::as_slice) {
        Some([kind, pairs]) if kind == "map" => {
            let pairs = pairs.as_array().into_iter().flatten();
            pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?))).collect()
        }
        _ => Vec::new(),
    }
}

fn uuid(value: &Value) -> Option<&str> {
    match value.as_array().map(Vec::as_slice) {
        Some([kind, id]) if kind == "uuid" => id.as_str(),
        _ => None,
    }
}

fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.get(key).and_then(Value::as_str)
}

/// Who was heard on which port, out of the table that `fdb/show` prints: `port VLAN MAC age`, one line each.
pub fn heard(table: &str) -> impl Iterator<Item = (u64, Mac)> + '_ {
    table.lines().take(MAX_ROWS).filter_map(|line| {
        let mut fields = line.split_whitespace();
        Some((fields.next()?.parse().ok()?, fields.nth(1)?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(port: &Value) -> Value {
        json!([
            { "rows": [port] },
            { "rows": [{ "_uuid": ["uuid", "i"], "type": "", "lldp": ["map", [["enable", "true"]]], "ofport": 3,
                         "external_ids": ["map", [["attached-mac", "02:00:00:00:00:01"]]] }] },
            { "rows": [{ "name": "br0", "ports": ["uuid", "p"] }] },
            { "rows": [{ "next_cfg": 7, "cur_cfg": 6 }] },
        ])
    }

    fn port() -> Value {
        json!({ "_uuid": ["uuid", "p"], "name": "eth3", "tag": 10, "trunks": ["set", [1, 2]],
                "vlan_mode": ["set", []], "interfaces": ["set", [["uuid", "i"]]],
                "external_ids": ["map", [["other", "x"], [MARK, "20"]]] })
    }

    #[test]
    fn a_port_is_read_with_its_interface_and_its_bridge() {
        let snapshot = Snapshot::read(&reply(&port())).unwrap();
        let expected = Port {
            uuid: "p".into(),
            tag: Some(10),
            trunks: vec![1, 2],
            before: Some(Ok(20)),
            interfaces: 1,
            lldp: true,
            numbers: vec![3],
            bridge: "br0".into(),
            attached: vec!["02:00:00:00:00:01".parse().unwrap()],
            ..Port::default()
        };
        assert_eq!(snapshot.ports.get("eth3"), Some(&expected));
        assert_eq!((snapshot.next_cfg, snapshot.cur_cfg), (7, 6));
    }

    #[test]
    fn what_is_no_vlan_and_what_is_no_answer_is_told() {
        for tag in [json!(0), json!(4_095), json!(-1), json!("10"), json!(["set", [1, 2]]), json!(10.5)] {
            let mut port = port();
            port["tag"] = tag;
            assert!(Snapshot::read(&reply(&port)).unwrap_err().contains("eth3"));
        }
        let mut marked = port();
        marked["external_ids"] = json!(["map", [[MARK, "\u{1b}[2J"]]]);
        let snapshot = Snapshot::read(&reply(&marked)).unwrap();
        let before = snapshot.ports.get("eth3").and_then(|port| port.before.clone());
        assert!(
            matches!(before, Some(Err(mark)) if !mark.contains('\u{1b}')),
            "a broken mark is told, tamed"
        );
        let denied = json!([null, { "error": "timed out", "details": "wait" }]);
        assert_eq!(Snapshot::read(&denied).unwrap_err(), "timed out wait");
        for nothing in [json!(null), json!([]), json!([{}, {}, {}, {}]), json!({ "rows": [] })] {
            assert!(Snapshot::read(&nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn who_was_heard_is_read_from_the_table_as_it_is_printed() {
        let table = " port  VLAN  MAC                Age\nLOCAL     0  02:00:00:00:00:09    1\n    3    10  02:00:00:00:00:01   12\n";
        assert_eq!(heard(table).collect::<Vec<_>>(), [(3, "02:00:00:00:00:01".parse().unwrap())]);
    }

    proptest! {
        /// Any one value of a reply replaced by any other.
        #[test]
        fn no_reply_makes_it_panic(at in 0_usize..60, with in 0_usize..8) {
            let odd = [json!(null), json!(-1), json!("x"), json!([]), json!({}), json!(["set"]), json!(["map", 3]), json!(["uuid", 1])];
            let mut whole = reply(&port());
            let mut left = at;
            replace(&mut whole, &mut left, &odd[with]);
            let _ = Snapshot::read(&whole);
        }
    }

    fn replace(value: &mut Value, left: &mut usize, with: &Value) {
        if *left == 0 {
            *value = with.clone();
        }
        *left = left.wrapping_sub(1);
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| replace(one, left, with)),
            Value::Object(all) => all.values_mut().for_each(|one| replace(one, left, with)),
            _ => {}
        }
    }
}
