//! What a switch has at one moment, read by a few questions.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    session::Talk,
    standing::{Change, Standing},
    tables::{
        BASE_PORT_IF_INDEX, EGRESS, FRAME_TYPES, IF_NAME, IF_TYPE, INGRESS_FILTERING, LLDP_LOCAL_PORT,
        LLDP_REMOTE, LLDP_REMOTE_CAPABILITIES, MAX_ROWS, Neighbours, PORT_VLAN, PVID, Q_TP_FDB, Row,
        STP_ROOT_PORT, TP_FDB, UNTAGGED, VLAN_STATIC, Vlan, bridge_port, heard, interface, put, vlans,
    },
    uplinks::Signs,
};
use crate::drivers::{DeviceFault, ports};
use async_snmp::Value;

/// What a switch has.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// The ports that were asked for by name, or why one of them is none.
    pub(super) ports: BTreeMap<String, Result<Port, String>>,
    pub(super) vlans: BTreeMap<u16, Vlan>,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its number in the bridge (`dot1dBasePort`), counted from 1.
    pub number: u32,
    /// Where it stands.
    pub standing: Standing,
    /// `dot1qPortAcceptableFrameTypes`, where the switch tells it.
    pub frame_types: Option<i32>,
    /// `ifType`, likewise.
    pub kind: Option<i32>,
    /// Whether it is the port towards the root of the spanning tree.
    pub is_root: bool,
}

impl Snapshot {
    /// Reads all VLANs, and the ports of these names.
    pub(super) fn take<'n>(
        talk: &Talk<'_>,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<Self, DeviceFault> {
        let called = talk.walk(IF_NAME, MAX_ROWS)?;
        let numbers = talk.walk(BASE_PORT_IF_INDEX, MAX_ROWS)?;
        // Five columns for each VLAN.
        let vlans =
            vlans(&talk.walk(VLAN_STATIC, 5 * MAX_ROWS)?).map_err(|what| talk.unintelligible(what))?;
        let mut snapshot = Self { vlans, ports: BTreeMap::new() };
        for name in names {
            let number = interface(&called, name).and_then(|interface| {
                Ok((interface, bridge_port(&numbers, interface).ok_or("is no port of the bridge")?))
            });
            let port = match number {
                Ok(number) => snapshot.port(talk, number)?,
                Err(why) => Err(why.into()),
            };
            snapshot.ports.insert(name.clone(), port);
        }
        Ok(snapshot)
    }

    fn port(
        &self,
        talk: &Talk<'_>,
        (interface, number): (u32, u32),
    ) -> Result<Result<Port, String>, DeviceFault> {
        let row = |column| [PORT_VLAN, &[column, number]].concat();
        let asked = [
            row(PVID),
            row(FRAME_TYPES),
            row(INGRESS_FILTERING),
            [IF_TYPE, &[interface]].concat(),
            STP_ROOT_PORT.to_vec(),
        ];
        let answers = talk.get(&asked)?;
        let integer = |at: usize| answers.get(at)?.as_ref()?.as_i32();
        let pvid = answers
            .first()
            .and_then(|value| value.as_ref()?.as_u32())
            .and_then(|vlan| ports::vlan(vlan.into()));
        let Some(pvid) = pvid else { return Ok(Err("has no PVID".into())) };
        // TruthValue: 1 is true, 2 is false.
        let filters = integer(2).and_then(|truth| (1..=2).contains(&truth).then_some(truth == 1));
        let standing = Standing::read(number, pvid, filters, &self.vlans);
        let is_root = integer(4).and_then(|root| u32::try_from(root).ok()) == Some(number);
        Ok(Ok(Port { number, standing, frame_types: integer(1), kind: integer(3), is_root }))
    }

    /// The objects that make `changes` of one port, in the same order.
    pub(super) fn objects(&self, number: u32, changes: &[Change]) -> Vec<Row> {
        let mut vlans = self.vlans.clone();
        let mut list = |vlan: u16, column: u32, is_in: bool| {
            let row = vlans.entry(vlan).or_default();
            let list = if column == EGRESS { &mut row.egress } else { &mut row.untagged };
            put(list, number, is_in);
            ([VLAN_STATIC, &[column, vlan.into()]].concat(), Value::OctetString(list.clone().into()))
        };
        let row = |column| [PORT_VLAN, &[column, number]].concat();
        let object = |change: &Change| match *change {
            Change::Egress(vlan, is_in) => list(vlan, EGRESS, is_in),
            Change::Untagged(vlan, is_in) => list(vlan, UNTAGGED, is_in),
            Change::Pvid(vlan) => (row(PVID), Value::Gauge32(vlan.into())),
            Change::Filters(filters) => (row(INGRESS_FILTERING), Value::Integer(if filters { 1 } else { 2 })),
        };
        changes.iter().map(object).collect()
    }
}

impl Signs {
    /// Looks at what is at the other end of a port.
    pub(super) fn take(talk: &Talk<'_>, name: &str, port: &Port) -> Result<Self, DeviceFault> {
        let remote = talk.walk(LLDP_REMOTE, MAX_ROWS)?;
        let has_neighbour = !remote.is_empty() && {
            let capabilities = talk.walk(LLDP_REMOTE_CAPABILITIES, MAX_ROWS)?;
            let local = talk.walk(LLDP_LOCAL_PORT, MAX_ROWS)?;
            Neighbours { remote: &remote, capabilities: &capabilities, local: &local }
                .pass_on(name, port.number)
        };
        let mut table = talk.walk(Q_TP_FDB, 2 * MAX_ROWS)?;
        if table.is_empty() {
            table = talk.walk(TP_FDB, 2 * MAX_ROWS)?;
        }
        let macs: Option<BTreeSet<_>> = (!table.is_empty()).then(|| heard(&table, port.number));
        Ok(Self { macs, has_neighbour })
    }
}
