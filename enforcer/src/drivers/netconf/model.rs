//! Where a switch keeps the VLAN of a port, as data: paths into its configuration. What a switch says is read by them, and what it
//! is told is written by them.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::order::is_place;

use super::xml::{Element, escaped, told};
use crate::drivers::ports::vlan;

/// The namespace of NETCONF's own elements (RFC 6241, 3.1).
pub(super) const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";
const OPENCONFIG: &str = "http://openconfig.net/yang/interfaces";
const OPENCONFIG_ETHERNET: &str = "http://openconfig.net/yang/interfaces/ethernet";
const OPENCONFIG_VLAN: &str = "http://openconfig.net/yang/vlan";
const IETF: &str = "urn:ietf:params:xml:ns:yang:ietf-interfaces";
/// What the description of a port begins with while it is in quarantine by us; the VLAN it had follows.
pub const MARK: &str = "fieldwarden-vlan-before=";
/// Between that VLAN and the description that the port had.
const WAS: &str = " was=";
/// The most ports that are read of one switch.
const MAX_PORTS: usize = 16_384;

/// A namespace and a name in it.
type Name = (String, String);

/// Paths from an entry of the list of interfaces to what concerns us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The namespace of `interfaces/interface/name`.
    namespace: String,
    description: Vec<Name>,
    vlan: Vec<Name>,
    /// What must say [`Model::access`] where it says anything.
    mode: Option<Vec<Name>>,
    access: &'static str,
    /// What no access port has.
    trunks: Option<Vec<Name>>,
}

/// One port, as the switch tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its access VLAN.
    pub vlan: Option<u16>,
    /// Its mode, where one is written.
    pub mode: Option<String>,
    /// How many entries its list of trunk VLANs has.
    pub trunks: usize,
    /// Its description.
    pub description: Option<String>,
}

/// What we wrote into the description of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The VLAN it had; an error when what is there is none.
    pub before: Result<u16, String>,
    /// The description it had.
    pub description: Option<String>,
}

/// What to make of one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its name.
    pub port: String,
    /// The VLAN to put it into; none to leave it.
    pub vlan: Option<u16>,
    /// Its description from then on; none to have none.
    pub description: Option<String>,
}

/// Something to be written below an entry.
struct Leaf<'a> {
    path: &'a [Name],
    attribute: &'static str,
    text: String,
}

impl Model {
    /// `openconfig-interfaces` and `openconfig-vlan`: `ethernet/switched-vlan/config/access-vlan`.
    #[must_use]
    pub fn openconfig() -> Self {
        let path = |steps: &[(&str, &str)]| -> Vec<Name> {
            steps.iter().map(|(space, name)| ((*space).to_owned(), (*name).to_owned())).collect()
        };
        let leaf = |name| {
            let vlan = OPENCONFIG_VLAN;
            path(&[
                (OPENCONFIG_ETHERNET, "ethernet"),
                (vlan, "switched-vlan"),
                (vlan, "config"),
                (vlan, name),
            ])
        };
        Self {
            namespace: OPENCONFIG.into(),
            description: path(&[(OPENCONFIG, "config"), (OPENCONFIG, "description")]),
            vlan: leaf("access-vlan"),
            mode: Some(leaf("interface-mode")),
            access: "ACCESS",
            trunks: Some(leaf("trunk-vlans")),
        }
    }

    /// `ietf-interfaces` (RFC 8343) with what the maker of a switch put beside it: the path of the access VLAN, and of the mode, in
    /// one namespace.
    #[must_use]
    pub fn ietf(namespace: &str, vlan: &str, mode: Option<&str>) -> Self {
        let path =
            |steps: &str| steps.split('/').map(|name| (namespace.to_owned(), name.to_owned())).collect();
        Self {
            namespace: IETF.into(),
            description: vec![(IETF.into(), "description".into())],
            vlan: path(vlan),
            mode: mode.map(path),
            access: "access",
            trunks: None,
        }
    }

    /// The filter that lets the switch tell no more than [`Model::read`] needs (RFC 6241, clause 6).
    #[must_use]
    pub fn filter(&self) -> String {
        let paths = [Some(&self.description), self.mode.as_ref(), Some(&self.vlan), self.trunks.as_ref()];
        let leaves: Vec<Leaf<'_>> = paths
            .into_iter()
            .flatten()
            .map(|path| Leaf { path, attribute: "", text: String::new() })
            .collect();
        self.within("<name/>", &leaves)
    }

    /// The ports in the `data` of a reply.
    ///
    /// # Errors
    /// What cannot be understood, as a sentence.
    pub fn read(&self, data: &Element) -> Result<BTreeMap<String, Port>, String> {
        let mut ports = BTreeMap::new();
        let lists = data.all(&self.namespace, "interfaces");
        for entry in lists.flat_map(|list| list.all(&self.namespace, "interface")) {
            let name = entry.child(&self.namespace, "name").ok_or("an interface without a name")?;
            let name = name.text.trim();
            // What no order can name is no port of ours.
            if !is_place(name) {
                continue;
            }
            let port = self.port(entry).map_err(|what| format!("port {name}: {what}"))?;
            ports.insert(name.to_owned(), port);
            if ports.len() > MAX_PORTS {
                return Err(format!("more than {MAX_PORTS} interfaces"));
            }
        }
        Ok(ports)
    }

    fn port(&self, entry: &Element) -> Result<Port, String> {
        let text = |path: &[Name]| found(entry, path).map(|leaf| leaf.text.clone());
        let number = text(&self.vlan);
        let vlan = number.as_deref().map(|text| {
            text.trim().parse().ok().and_then(vlan).ok_or_else(|| format!("`{}` is no VLAN", told(text)))
        });
        let trunks = self.trunks.as_ref().and_then(|path| {
            let (last, above) = path.split_last()?;
            Some(found(entry, above)?.all(&last.0, &last.1).count())
        });
        Ok(Port {
            vlan: vlan.transpose()?,
            mode: self.mode.as_deref().and_then(text).map(|mode| told(&mode)),
            trunks: trunks.unwrap_or_default(),
            description: text(&self.description),
        })
    }

    /// What to put into `<config>` for `edits`, to be applied with the default operation `none`: nothing comes into being that is
    /// not named with an operation of its own.
    #[must_use]
    pub fn write(&self, edits: &[Edit]) -> String {
        let mut text = String::new();
        for edit in edits {
            let mut leaves = vec![match &edit.description {
                Some(words) => Leaf { path: &self.description, attribute: SET, text: escaped(words) },
                None => Leaf { path: &self.description, attribute: DELETE, text: String::new() },
            }];
            let vlan =
                edit.vlan.map(|vlan| Leaf { path: &self.vlan, attribute: SET, text: vlan.to_string() });
            leaves.extend(vlan);
            text.push_str(&self.within(&format!("<name>{}</name>", escaped(&edit.port)), &leaves));
        }
        text
    }

    fn within(&self, key: &str, leaves: &[Leaf<'_>]) -> String {
        let inner = nested(leaves, 0, &self.namespace);
        format!("<interfaces xmlns=\"{}\"><interface>{key}{inner}</interface></interfaces>", self.namespace)
    }

    /// Why `port` must not be moved into another VLAN, as a sentence; none when it may. `uplinks` are the ports the site file names.
    #[must_use]
    pub fn refusal(&self, name: &str, port: &Port, uplinks: &BTreeSet<String>) -> Option<String> {
        let is_access = port.mode.as_ref().is_none_or(|mode| mode.trim().eq_ignore_ascii_case(self.access));
        let why = if uplinks.contains(name) {
            "it is named in `uplinks`".into()
        } else if !is_access {
            format!("it is no access port but {}", port.mode.as_deref().unwrap_or_default())
        } else if port.vlan.is_none() {
            "it has no access VLAN of its own, and so may carry all of them".into()
        } else if port.trunks > 0 {
            format!("it is a trunk of {} VLANs", port.trunks)
        } else {
            return None;
        };
        Some(format!("port {name} is taken for an uplink: {why}"))
    }
}

/// `nc` is declared where these are used. `merge` creates what is not there.
const SET: &str = " nc:operation=\"merge\"";
const DELETE: &str = " nc:operation=\"delete\"";

fn found<'a>(entry: &'a Element, path: &[Name]) -> Option<&'a Element> {
    path.iter().try_fold(entry, |at, (namespace, name)| at.child(namespace, name))
}

/// Leaves below one element, those with the same way in one.
fn nested(leaves: &[Leaf<'_>], depth: usize, namespace: &str) -> String {
    let step = |leaf: &Leaf<'_>| leaf.path.get(depth).cloned().unwrap_or_default();
    let mut text = String::new();
    for group in leaves.chunk_by(|a, b| step(a) == step(b)) {
        let Some(first) = group.first() else { continue };
        let (space, name) = step(first);
        let declared =
            if space == namespace { String::new() } else { format!(" xmlns=\"{}\"", escaped(&space)) };
        let (attribute, inner) = if first.path.len() <= depth + 1 {
            (first.attribute, first.text.clone())
        } else {
            ("", nested(group, depth + 1, &space))
        };
        text.push_str(&format!("<{name}{declared}{attribute}>{inner}</{name}>"));
    }
    text
}

impl Port {
    /// What we wrote there, where we did.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        let rest = self.description.as_deref()?.trim_start().strip_prefix(MARK)?;
        let (number, description) = match rest.split_once(WAS) {
            Some((number, description)) => (number, Some(description.to_owned())),
            None => (rest, None),
        };
        let before = number.trim().parse().ok().and_then(vlan).ok_or_else(|| told(number));
        Some(Mark { before, description })
    }

    /// The description that it has from then on when it is moved out of `vlan`.
    #[must_use]
    pub fn marked(&self, vlan: u16) -> String {
        let was = self.description.as_ref().map_or_else(String::new, |words| format!("{WAS}{words}"));
        format!("{MARK}{vlan}{was}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ietf() -> Model {
        Model::ietf("urn:x", "switchport/access-vlan", Some("switchport/mode"))
    }

    /// What a switch would hold after the edit, as far as the tests need it: the leaves themselves, without operations.
    fn told_back(model: &Model, edits: &[Edit]) -> BTreeMap<String, Port> {
        let text = format!("<data xmlns:nc=\"{BASE}\">{}</data>", model.write(edits));
        model.read(&Element::read(&text).unwrap()).unwrap()
    }

    #[test]
    fn both_models_write_what_they_read_and_ask_for_no_more() {
        let edit = Edit { port: "eth3".into(), vlan: Some(666), description: Some("a <b> & c".into()) };
        for model in [Model::openconfig(), ietf()] {
            let ports = told_back(&model, std::slice::from_ref(&edit));
            let expected = Port { vlan: Some(666), description: Some("a <b> & c".into()), ..Port::default() };
            assert_eq!(ports, BTreeMap::from([("eth3".into(), expected)]), "{model:?}");
            assert!(Element::read(&model.filter()).is_ok());
        }
        assert_eq!(
            ietf().filter(),
            "<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"><interface><name/><description></description>\
             <switchport xmlns=\"urn:x\"><mode></mode><access-vlan></access-vlan></switchport></interface></interfaces>"
        );
        let gone = Edit { description: None, vlan: None, ..edit };
        assert!(
            ietf().write(&[gone]).contains("<description nc:operation=\"delete\"></description></interface>")
        );
    }

    #[test]
    fn a_plain_access_port_may_be_moved_and_each_sign_of_an_uplink_forbids_it() {
        let model = Model::openconfig();
        let (none, port) = (BTreeSet::new(), Port { vlan: Some(10), ..Port::default() });
        assert_eq!(model.refusal("eth3", &port, &none), None);
        assert_eq!(model.refusal("eth3", &Port { mode: Some("access".into()), ..port.clone() }, &none), None);
        for (odd, word) in [
            (Port { vlan: None, ..port.clone() }, "no access VLAN"),
            (Port { trunks: 2, ..port.clone() }, "trunk of 2"),
            (Port { mode: Some("TRUNK".into()), ..port.clone() }, "TRUNK"),
        ] {
            let why = model.refusal("eth3", &odd, &none).unwrap();
            assert!(why.contains(word) && why.contains("eth3"), "{why}");
        }
        assert!(model.refusal("eth3", &port, &["eth3".to_owned()].into()).unwrap().contains("`uplinks`"));
    }

    #[test]
    fn what_is_no_vlan_and_what_is_no_mark_is_told() {
        let read = |vlan: &str| {
            let text = format!(
                "<data><interfaces xmlns=\"{IETF}\"><interface><name>eth3</name><switchport xmlns=\"urn:x\">\
                 <access-vlan>{vlan}</access-vlan></switchport></interface></interfaces></data>"
            );
            ietf().read(&Element::read(&text).unwrap())
        };
        assert_eq!(read(" 10 ").unwrap().get("eth3").and_then(|port| port.vlan), Some(10));
        for vlan in ["0", "4095", "-1", "ten", ""] {
            assert!(read(vlan).unwrap_err().contains("eth3"), "{vlan}");
        }
        let port = |words: &str| Port { description: Some(words.into()), ..Port::default() };
        assert_eq!(port("spare").mark(), None);
        let broken = port("fieldwarden-vlan-before=\u{1b}[2J was=x").mark().unwrap();
        assert!(broken.before.is_err_and(|words| !words.contains('\u{1b}')));
        assert_eq!(port("fieldwarden-vlan-before=10 was=").mark().unwrap().description.as_deref(), Some(""));
        assert_eq!(port("fieldwarden-vlan-before=10").mark().unwrap().description, None);
    }

    proptest! {
        #[test]
        fn a_description_comes_back_from_beside_the_mark_as_it_was(words in proptest::option::of("\\PC{0,30}"), vlan in 1_u16..=4_094) {
            let port = Port { description: words.clone(), ..Port::default() };
            let edit = Edit { port: "eth3".into(), vlan: Some(666), description: Some(port.marked(vlan)) };
            let there = told_back(&Model::openconfig(), &[edit]);
            prop_assert_eq!(there.get("eth3").unwrap().mark(), Some(Mark { before: Ok(vlan), description: words }));
        }
    }
}
