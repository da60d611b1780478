//! What a switch says of its ports and VLANs: rows of Q-BRIDGE-MIB (RFC 4363), BRIDGE-MIB (RFC 4188), IF-MIB (RFC 2863)
//! and LLDP-MIB (IEEE 802.1AB), read into what a change and an interlock need.
//!
//! Nothing a switch says may be trusted: what is out of range is left out or told, and nothing here panics.

use std::collections::{BTreeMap, BTreeSet};

use async_snmp::Value;
use fieldwarden_model::Mac;

use crate::drivers::ports;

/// An object's name, or the part of it that follows a column's.
pub type Name = Vec<u32>;
/// What follows a column in a name, and the value.
pub type Row = (Name, Value);

/// `ifName`: what people call an interface.
pub const IF_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1];
/// `ifType`: what kind of interface it is.
pub const IF_TYPE: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1, 3];
/// `dot1dBasePortIfIndex`: the interface of a port of the bridge.
pub const BASE_PORT_IF_INDEX: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 1, 4, 1, 2];
/// `dot1dStpRootPort.0`: the port towards the root of the spanning tree.
pub const STP_ROOT_PORT: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 2, 7, 0];
/// `dot1dTpFdbEntry`: who was heard where, of a bridge that tells no VLANs.
pub const TP_FDB: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 4, 3, 1];
/// `dot1qTpFdbEntry`: who was heard where.
pub const Q_TP_FDB: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1];
/// `dot1qVlanStaticEntry`: the VLANs as configured.
pub const VLAN_STATIC: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 3, 1];
/// `dot1qPortVlanEntry`: the VLAN of untagged frames, for each port.
pub const PORT_VLAN: &[u32] = &[1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 5, 1];
/// `lldpRemChassisIdSubtype`: a row for each neighbour.
pub const LLDP_REMOTE: &[u32] = &[1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 4];
/// `lldpRemSysCapEnabled`: what a neighbour says that it is.
pub const LLDP_REMOTE_CAPABILITIES: &[u32] = &[1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 12];
/// `lldpLocPortIdSubtype` and `lldpLocPortId`: what LLDP calls a port of the switch.
pub const LLDP_LOCAL_PORT: &[u32] = &[1, 0, 8802, 1, 1, 2, 1, 3, 7, 1];

/// Columns of [`VLAN_STATIC`].
pub(super) const EGRESS: u32 = 2;
const FORBIDDEN: u32 = 3;
pub(super) const UNTAGGED: u32 = 4;
const ROW_STATUS: u32 = 5;
/// Columns of [`PORT_VLAN`].
pub(super) const PVID: u32 = 1;
pub(super) const FRAME_TYPES: u32 = 2;
pub(super) const INGRESS_FILTERING: u32 = 3;

/// `dot1qTpFdbStatus`: the address is the bridge's own.
const STATUS_SELF: i32 = 4;
/// `lldpLocPortIdSubtype`: the name of an interface.
const SUBTYPE_INTERFACE_NAME: i32 = 5;
/// The first octet of `lldpRemSysCapEnabled`: repeater, bridge, access point, router.
const PASSES_ON: u8 = 0b0111_1000;

/// The most rows that are read of one table.
pub const MAX_ROWS: usize = 16_384;
/// The most octets of a list of ports: 4,096 ports.
const MAX_PORT_LIST: usize = 512;

/// One VLAN as configured: the ports that are in it, each list a bit for every port (`PortList`, RFC 4363).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vlan {
    /// Ports that send frames of it.
    pub egress: Vec<u8>,
    /// Ports that must not.
    pub forbidden: Vec<u8>,
    /// Ports that send them without a tag.
    pub untagged: Vec<u8>,
    /// Whether the row is active.
    pub is_active: bool,
}

/// Whether `port`, counted from 1, is in a list.
#[must_use]
pub fn has(list: &[u8], port: u32) -> bool {
    place(port).and_then(|(octet, bit)| Some(list.get(octet)? & bit != 0)).unwrap_or(false)
}

/// Puts `port` into a list or takes it out; the others stay. A list that is too short grows.
pub fn put(list: &mut Vec<u8>, port: u32, is_in: bool) {
    let Some((at, bit)) = place(port) else { return };
    if is_in && list.len() <= at {
        list.resize(at + 1, 0);
    }
    if let Some(octet) = list.get_mut(at) {
        *octet = if is_in { *octet | bit } else { *octet & !bit };
    }
}

/// RFC 4363, `PortList`: the first port is the most significant bit of the first octet.
fn place(port: u32) -> Option<(usize, u8)> {
    let at = usize::try_from(port.checked_sub(1)?).ok()?;
    Some((at / 8, 0x80 >> (at % 8))).filter(|(octet, _)| *octet < MAX_PORT_LIST)
}

/// Reads [`VLAN_STATIC`].
///
/// # Errors
/// What cannot be understood, as a sentence.
pub fn vlans(rows: &[Row]) -> Result<BTreeMap<u16, Vlan>, String> {
    let mut vlans: BTreeMap<u16, Vlan> = BTreeMap::new();
    for (index, value) in rows {
        let [column, number] = index.as_slice() else { continue };
        // dot1qVlanIndex goes on past 4094 for VLANs of the switch's own that no frame bears.
        let Some(number) = ports::vlan((*number).into()) else { continue };
        let vlan = vlans.entry(number).or_default();
        let list = match *column {
            EGRESS => &mut vlan.egress,
            FORBIDDEN => &mut vlan.forbidden,
            UNTAGGED => &mut vlan.untagged,
            ROW_STATUS => {
                vlan.is_active = value.as_i32() == Some(1);
                continue;
            }
            _ => continue,
        };
        let octets = value.as_bytes().filter(|octets| octets.len() <= MAX_PORT_LIST);
        *list = octets.ok_or_else(|| format!("the ports of VLAN {number} are no list"))?.to_vec();
    }
    Ok(vlans)
}

/// The interface that bears `name`.
///
/// # Errors
/// When none or more than one does, as the end of a sentence.
pub fn interface(names: &[Row], name: &str) -> Result<u32, &'static str> {
    let mut found = names.iter().filter(|(_, value)| value.as_bytes() == Some(name.as_bytes()));
    match (found.next(), found.next()) {
        (Some((index, _)), None) => single(index).ok_or("is no interface"),
        (Some(_), Some(_)) => Err("is the name of several interfaces"),
        (None, _) => Err("is not there"),
    }
}

/// The port of the bridge that `interface` is.
#[must_use]
pub fn bridge_port(rows: &[Row], interface: u32) -> Option<u32> {
    let found =
        rows.iter().find(|(_, value)| value.as_u32().or_else(|| non_negative(value)) == Some(interface))?;
    single(&found.0).filter(|port| place(*port).is_some())
}

/// Addresses heard behind `port`, out of [`Q_TP_FDB`] or [`TP_FDB`]: those of the bridge itself are left out.
#[must_use]
pub fn heard(rows: &[Row], port: u32) -> BTreeSet<Mac> {
    const PORT: u32 = 2;
    const STATUS: u32 = 3;
    let own: BTreeSet<&[u32]> = rows
        .iter()
        .filter(|(_, value)| value.as_i32() == Some(STATUS_SELF))
        .filter_map(|(index, _)| index.strip_prefix(&[STATUS]))
        .collect();
    let is_there = |value: &Value| non_negative(value) == Some(port);
    rows.iter()
        .filter(|(_, value)| is_there(value))
        .filter_map(|(index, _)| index.strip_prefix(&[PORT]))
        .filter(|index| !own.contains(index))
        .filter_map(mac)
        .collect()
}

/// The address at the end of an index.
fn mac(index: &[u32]) -> Option<Mac> {
    let at = index.len().checked_sub(6)?;
    let mut octets = [0; 6];
    for (octet, arc) in octets.iter_mut().zip(index.get(at..)?) {
        *octet = u8::try_from(*arc).ok()?;
    }
    Some(Mac(octets))
}

/// Who says by LLDP that he is at the other end of a cable.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours<'a> {
    /// Rows of [`LLDP_REMOTE`].
    pub remote: &'a [Row],
    /// Rows of [`LLDP_REMOTE_CAPABILITIES`].
    pub capabilities: &'a [Row],
    /// Rows of [`LLDP_LOCAL_PORT`].
    pub local: &'a [Row],
}

impl Neighbours<'_> {
    /// Whether something that passes frames on is behind a port: what names itself repeater, bridge, access point or router,
    /// or does not say what it is. Stations that speak LLDP, as PROFINET devices do, are none.
    #[must_use]
    pub fn pass_on(&self, name: &str, port: u32) -> bool {
        self.remote.iter().any(|(index, _)| {
            // lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex
            let [_, number, _] = index.as_slice() else { return false };
            let told = self.capabilities.iter().find(|(of, _)| of == index);
            let first = told.and_then(|(_, value)| value.as_bytes()?.first().copied()).unwrap_or_default();
            is_port(self.local, *number, name, port) && (first == 0 || first & PASSES_ON != 0)
        })
    }
}

/// Whether LLDP's `number` is the port: by the name it gives it, otherwise, as for bridges, by the number itself.
fn is_port(local: &[Row], number: u32, name: &str, port: u32) -> bool {
    let column =
        |column: u32| local.iter().find(|(index, _)| *index == [column, number]).map(|(_, value)| value);
    match (column(2).and_then(Value::as_i32), column(3).and_then(Value::as_bytes)) {
        (Some(SUBTYPE_INTERFACE_NAME), Some(called)) => called == name.as_bytes(),
        _ => number == port,
    }
}

/// A number that the MIB calls an INTEGER and that is none below 0.
pub(super) fn non_negative(value: &Value) -> Option<u32> {
    value.as_i32().and_then(|number| u32::try_from(number).ok())
}

fn single(index: &[u32]) -> Option<u32> {
    let [one] = index else { return None };
    Some(*one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn octets(octets: &[u8]) -> Value {
        Value::OctetString(octets.to_vec().into())
    }

    #[test]
    fn a_list_of_ports_counts_from_the_first_bit_and_keeps_the_others() {
        let mut list = vec![0b1010_0000];
        assert!(has(&list, 1) && !has(&list, 2) && has(&list, 3) && !has(&list, 9) && !has(&list, 0));
        put(&mut list, 10, true);
        assert_eq!(list, [0b1010_0000, 0b0100_0000]);
        put(&mut list, 1, false);
        put(&mut list, 30, false);
        put(&mut list, 0, true);
        put(&mut list, 4_097, true);
        assert_eq!(list, [0b0010_0000, 0b0100_0000]);
    }

    #[test]
    fn vlans_are_read_by_column_and_what_is_no_list_is_told() {
        let row = |column: u32, vlan: u32, value: Value| (vec![column, vlan], value);
        let rows = [
            row(1, 10, octets(b"plant")),
            row(EGRESS, 10, octets(&[0xc0])),
            row(EGRESS, 5_000, octets(&[0xff])),
            row(FORBIDDEN, 10, octets(&[0x01])),
            row(UNTAGGED, 10, octets(&[0x80])),
            row(ROW_STATUS, 10, Value::Integer(1)),
        ];
        let plant = Vlan { egress: vec![0xc0], forbidden: vec![1], untagged: vec![0x80], is_active: true };
        assert_eq!(vlans(&rows), Ok([(10, plant)].into()));
        for odd in [Value::Integer(3), Value::Null, octets(&[0; 513])] {
            assert!(vlans(&[row(EGRESS, 10, odd)]).unwrap_err().contains("VLAN 10"));
        }
    }

    #[test]
    fn a_port_is_found_by_its_name_alone_and_never_guessed() {
        let names = [(vec![7], octets(b"eth3")), (vec![8], octets(b"eth4")), (vec![9], octets(b"eth4"))];
        assert_eq!(interface(&names, "eth3"), Ok(7));
        assert!(interface(&names, "eth4").unwrap_err().contains("several"));
        assert!(interface(&names, "eth").is_err());
        let ports =
            [(vec![1], Value::Integer(8)), (vec![12], Value::Integer(7)), (vec![0], Value::Integer(3))];
        assert_eq!(bridge_port(&ports, 7), Some(12));
        assert_eq!((bridge_port(&ports, 9), bridge_port(&ports, 3)), (None, None));
    }

    #[test]
    fn who_was_heard_is_told_without_the_bridge_itself() {
        let index = |column: u32, last: u32| vec![column, 10, 2, 0, 0, 0, 0, last];
        let rows = [
            (index(2, 1), Value::Integer(3)),
            (index(2, 2), Value::Integer(3)),
            (index(2, 4), Value::Integer(9)),
            (index(2, 300), Value::Integer(3)),
            (index(3, 1), Value::Integer(3)),
            (index(3, 2), Value::Integer(4)),
        ];
        assert_eq!(heard(&rows, 3), ["02:00:00:00:00:01".parse().unwrap()].into());
    }

    #[test]
    fn a_neighbour_counts_by_what_it_is_and_where_the_switch_says_it_is() {
        let remote = [(vec![0, 5, 1], Value::Integer(4))];
        let caps = |first: &[u8]| [(vec![0, 5, 1], octets(first))];
        let local = [(vec![2, 5], Value::Integer(5)), (vec![3, 5], octets(b"eth3"))];
        let is = |caps: &[Row], local: &[Row]| {
            Neighbours { remote: &remote, capabilities: caps, local }.pass_on("eth3", 12)
        };
        assert!(is(&caps(&[0x20, 0]), &local), "a bridge");
        assert!(is(&caps(&[0x08]), &local), "a router");
        assert!(!is(&caps(&[0x01]), &local), "a station alone");
        assert!(is(&[], &local) && is(&caps(&[]), &local), "whoever does not say");
        assert!(!is(&[], &[]), "without a name by the number of the port");
        let silent = |local| Neighbours { remote: &remote, capabilities: &[], local };
        assert!(silent(&[]).pass_on("eth9", 5));
        assert!(!silent(&local).pass_on("eth9", 5), "a name goes before a number");
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(
            indexes in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 0..9), 0..24),
            numbers in any::<i32>(), text in proptest::collection::vec(any::<u8>(), 0..600), port in any::<u32>()
        ) {
            let rows: Vec<Row> = indexes.into_iter().enumerate().map(|(n, index)| {
                (index, if n % 2 == 0 { Value::Integer(numbers) } else { octets(&text) })
            }).collect();
            let _ = (vlans(&rows), interface(&rows, "eth3"), bridge_port(&rows, port), heard(&rows, port));
            let _ = Neighbours { remote: &rows, capabilities: &rows, local: &rows }.pass_on("eth3", port);
            let mut list = text;
            put(&mut list, port, true);
            prop_assert!(list.len() <= 600.max(MAX_PORT_LIST));
            prop_assert_eq!(has(&list, port), (1..=4_096).contains(&port));
        }
    }
}
