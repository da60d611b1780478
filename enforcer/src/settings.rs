//! What the site file says to the enforcer: `[enforcer]`, and of `[site]` what is protected.

use std::path::PathBuf;

use fieldwarden_model::{Fault, Section, Site, section::Reader};

use crate::{
    drivers::{DRIVERS, Registration, SWITCH_DRIVERS, Switch, SwitchRegistration},
    interlocks::{ForbiddenHours, Interlocks, Permit, TwoPersons},
    points::Points,
    warden::Mode,
};

/// Where the enforcer listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/fieldwarden-enforcer/enforcer.sock";
/// Where the journal is unless told otherwise.
pub const DEFAULT_JOURNAL: &str = "/var/lib/fieldwarden-enforcer/orders.journal";

/// The most switches: the enforcer asks one after the other.
const MAX_SWITCHES: usize = 16;

/// The settings of one enforcer.
pub struct Settings {
    /// Whether anything is enforced.
    pub mode: Mode,
    /// What is refused whoever asks.
    pub interlocks: Interlocks,
    /// The gateway and the switches.
    pub points: Points,
    /// The socket it listens on.
    pub socket: PathBuf,
    /// The journal.
    pub journal: PathBuf,
    /// The user, by name or number, who may connect besides root.
    pub daemon_user: Option<String>,
}

impl Settings {
    /// Reads the whole site file; sections of others are not looked at.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(file: &Section) -> Result<Self, Vec<Fault>> {
        let mut top = Reader::new(file);
        let site = top.table("site");
        let own = top.table("enforcer");
        let mut faults = Vec::new();
        let site = Site::configure(&site).map_err(|found| faults.extend(found)).unwrap_or_default();
        match Self::enforcer(&own, &site) {
            Ok(settings) if faults.is_empty() => return Ok(settings),
            Ok(_) => {}
            Err(found) => faults.extend(found),
        }
        faults.sort_by_key(|fault| fault.at);
        Err(faults)
    }

    fn enforcer(section: &Section, site: &Site) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let mode = reader.one_of("mode", &[("observe-only", Mode::ObserveOnly), ("enforce", Mode::Enforce)]);
        let words: Vec<(&'static str, &'static Registration)> = DRIVERS.iter().map(|d| (d.name, d)).collect();
        let registration = reader.one_of("driver", &words);
        let mut driver = None;
        for known in DRIVERS {
            // The sections of drivers not in use are read too, so that their faults show before they are needed.
            let made = (known.configure)(&reader.table(known.name));
            let made = reader.absorb(made);
            if registration.is_some_and(|chosen| chosen.name == known.name) {
                driver = made;
            }
        }
        let interlocks = Interlocks {
            protected: Interlocks::protected_of(site),
            max_orders: number(reader.within("max_orders", 1..=256, 16)),
            max_lapse_secs: number(reader.within("max_lapse_secs", 1..=604_800, 14_400)),
            max_orders_per_hour: number(reader.within("max_orders_per_hour", 1..=200, 20)),
            max_order_age_secs: number(reader.within("max_order_age_secs", 60..=604_800, 86_400)),
            two_persons: each(&mut reader, "two_persons", |table| TwoPersons::configure(table, site)),
            forbidden_hours: each(&mut reader, "forbidden_hours", ForbiddenHours::configure),
            permit: permit(&mut reader),
        };
        let socket = reader.or("socket", String::from(DEFAULT_SOCKET)).into();
        let journal = reader.or("journal", String::from(DEFAULT_JOURNAL)).into();
        let daemon_user = reader.optional("daemon_user");
        let switches = switches(&mut reader, site);
        let settings = mode.zip(driver).map(|(mode, driver)| Self {
            mode,
            interlocks,
            points: Points::new(driver, switches),
            socket,
            journal,
            daemon_user,
        });
        reader.finish_with(settings)
    }
}

/// What each table of an array says.
fn each<T>(
    reader: &mut Reader<'_>,
    key: &'static str,
    read: impl Fn(&Section) -> Result<T, Vec<Fault>>,
) -> Vec<T> {
    let tables = reader.tables(key);
    tables.into_iter().filter_map(|table| reader.absorb(read(table))).collect()
}

fn permit(reader: &mut Reader<'_>) -> Option<Permit> {
    let table = reader.table("permit");
    reader.absorb(Permit::configure(&table)).flatten()
}

/// Every `[[enforcer.switch]]`.
fn switches(reader: &mut Reader<'_>, site: &Site) -> Vec<Switch> {
    let words: Vec<(&'static str, &'static SwitchRegistration)> =
        SWITCH_DRIVERS.iter().map(|driver| (driver.name, driver)).collect();
    let sections = reader.tables("switch");
    if sections.len() > MAX_SWITCHES {
        reader.fault_at("switch", format!("more than {MAX_SWITCHES} switches"), None);
    }
    let mut switches: Vec<Switch> = Vec::new();
    for section in sections {
        let mut own = Reader::new(section);
        let Some(registration) = own.one_of("kind", &words) else {
            // Only the fault of `kind`: what else the section should hold its kind would tell.
            let of_kind = own.finish().into_iter().find(|fault| fault.message.starts_with("`kind`"));
            reader.absorb(Err::<(), _>(of_kind.into_iter().collect()));
            continue;
        };
        let Some(switch) = reader.absorb((registration.configure)(section, site)) else { continue };
        if switches.iter().any(|other| other.name == switch.name) {
            let named = section.entries.iter().find(|(key, _)| key.name == "name");
            let at = named.map_or(section.at, |(_, node)| node.at);
            let message = format!("`name`: another switch is called `{}` already", switch.name);
            reader.absorb(Err::<(), _>(vec![Fault { at, message, help: None }]));
        }
        switches.push(switch);
    }
    switches
}

/// A number that was checked to lie within a range that fits.
fn number<T: TryFrom<u64> + Default>(value: u64) -> T {
    T::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fieldwarden_config::Sources;

    use super::*;

    fn read(text: &str) -> Result<Settings, Vec<String>> {
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let section = fieldwarden_config::parse(&sources, file).unwrap();
        Settings::configure(&section)
            .map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
    }

    #[test]
    fn nothing_is_enforced_unless_the_file_says_so() {
        assert_eq!(read("[sensor]\ninterface = \"eth0\"\n").map(|s| s.mode).ok(), Some(Mode::ObserveOnly));
        assert_eq!(read("[enforcer]\nmode = \"enforce\"\n").map(|s| s.mode).ok(), Some(Mode::Enforce));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let text = "[site]\nnmae = \"x\"\n[enforcer]\nmode = \"on\"\nmax_orders = 0\n[enforcer.nftables]\ntable = \"a b\"\n";
        let faults = read(text).err().unwrap();
        for what in ["nmae", "`on`", "max_orders", "table"] {
            assert!(faults.iter().any(|fault| fault.contains(what)), "{what} in {faults:?}");
        }
    }

    #[test]
    fn interlocks_are_checked_each_at_its_place() {
        let at = |lines: &str| {
            let site = "[[site.asset]]\nname = \"Dosing PLC\"\naddresses = [\"10.1.0.10\", \"10.9.0.10\"]\n";
            let mut sources = Sources::new();
            let file = sources.add("site.toml", format!("{site}{lines}\n"));
            let section = fieldwarden_config::parse(&sources, file).unwrap();
            let faults = Settings::configure(&section).err().unwrap_or_default();
            fieldwarden_config::render(&faults, &sources)
        };
        for good in [
            "[[enforcer.two_persons]]\nasset = \"Dosing PLC\"",
            "[[enforcer.two_persons]]\ntalker = \"10.1.0.99\"",
            "[enforcer.permit]\nfile = \"/run/plant/permit\"\nsays = \"yes\"",
            "[[enforcer.forbidden_hours]]\nfrom = \"05:30\"\nto = \"06:30\"\noffset = \"+01:00\"\nreason = \"shift change\"",
        ] {
            assert_eq!(at(good), "", "{good}");
        }
        for (bad, place, what) in [
            ("[[enforcer.two_persons]]\nasset = \"Dosing\"", "5:9", "no asset `Dosing`"),
            (
                "[[enforcer.two_persons]]\nasset = \"Dosing PLC\"\ntalker = \"10.1.0.10\"",
                "5:9",
                "one of `asset` and `talker`",
            ),
            ("[[enforcer.two_persons]]", "4:1", "one of `asset` and `talker`"),
            ("[enforcer.permit]\nfile = \"permit\"\nsays = \"yes\"", "5:8", "from `/` on"),
            ("[enforcer.permit]\nfile = \"/permit\"\nsays = \" \"", "6:8", "not one line"),
            ("[enforcer.permit]\nsays = \"yes\"", "4:1", "`file` is missing"),
            (
                "[[enforcer.forbidden_hours]]\nfrom = \"25:00\"\nto = \"06:00\"\nreason = \"x\"",
                "5:8",
                "no time of the day",
            ),
            ("[[enforcer.forbidden_hours]]\nfrom = \"05:00\"\nto = \"06:00\"", "4:1", "`reason` is missing"),
            (
                "[[enforcer.forbidden_hours]]\ndays = [\"someday\"]\nfrom = \"05:00\"\nto = \"06:00\"\nreason = \"x\"",
                "5:8",
                "no day `someday`",
            ),
        ] {
            let told = at(bad);
            assert!(told.contains(place) && told.contains(what), "{bad}: {told}");
        }
    }

    #[test]
    fn every_fault_of_a_switch_is_told_at_its_place() {
        let at = |lines: &str| {
            let mut sources = Sources::new();
            let site = "[[site.asset]]\nname = \"Dosing PLC\"\naddresses = [\"10.1.0.10\"]\n";
            let file = sources.add("site.toml", format!("{site}{lines}\n"));
            let section = fieldwarden_config::parse(&sources, file).unwrap();
            let faults = Settings::configure(&section).err().unwrap_or_default();
            fieldwarden_config::render(&faults, &sources)
        };
        let good = "[[enforcer.switch]]\nname = \"cell-1\"\nkind = \"ovsdb\"\naddress = \"unix:/run/db.sock\"\n\
                    quarantine_vlan = 666\nuplinks = [\"eth0\"]\n[[enforcer.switch.port]]\nname = \"eth3\"\nassets = \
                    [\"Dosing PLC\", \"10.1.0.11\"]";
        assert_eq!(at(good), "");
        for (was, is, place, what) in [
            ("\"cell-1\"", "\"cell 1\"", "5:8", "no name of a switch"),
            ("\"ovsdb\"", "\"telnet\"", "6:8", "`telnet` is not known here"),
            ("unix:/run", "tcp:/run", "7:11", "is not understood"),
            ("666", "4095", "8:19", "1 to 4094"),
            ("eth0", "e 0", "9:11", "no name of a port"),
            ("\"Dosing PLC\"", "\"Dosing PCL\"", "12:10", "no asset `Dosing PCL`"),
            ("uplinks", "uplink", "9:1", "did you mean `uplinks`"),
            ("quarantine_vlan = 666\n", "", "4:1", "`quarantine_vlan` is missing"),
        ] {
            let told = at(&good.replace(was, is));
            assert!(told.contains(&format!("site.toml:{place}")) && told.contains(what), "{is}: {told}");
        }
        let twice = at(&format!("{good}\n{good}"));
        assert!(twice.contains("site.toml:14:8") && twice.contains("called `cell-1` already"), "{twice}");
    }

    #[test]
    fn every_fault_of_a_switch_by_netconf_is_told_at_its_place() {
        let at = |lines: &str| {
            let mut sources = Sources::new();
            let file = sources.add("site.toml", lines);
            let section = fieldwarden_config::parse(&sources, file).unwrap();
            let faults = Settings::configure(&section).err().unwrap_or_default();
            fieldwarden_config::render(&faults, &sources)
        };
        let key = format!("SHA256:{}", "a".repeat(43));
        let good = format!(
            "[[enforcer.switch]]\nname = \"cell-2\"\nkind = \"netconf\"\naddress = \"10.1.0.2:830\"\nuser = \"fw\"\nkey_file = \
             \"/etc/key\"\nhost_keys = [\"{key}\"]\nquarantine_vlan = 666\ntimeout_ms = 5000\nmodel = \"ietf-interfaces\"\nnamespace = \
             \"urn:x\"\nvlan_leaf = \"switchport/access-vlan\"\nmode_leaf = \"switchport/mode\"\n"
        );
        assert_eq!(at(&good), "");
        for (was, is, place, what) in [
            ("10.1.0.2:830", "switch.plant:830", "4:11", "is not understood"),
            ("\"fw\"", "\"\"", "5:8", "no name of a user"),
            ("key_file = \"/etc/key\"", "key_file = \"key\"", "6:12", "no whole path"),
            ("key_file = \"/etc/key\"\n", "", "1:1", "neither this nor `password_file`"),
            ("user", "password_file = \"/p\"\nuser", "7:12", "exclude each other"),
            (&*key, "SHA256:short", "7:13", "no fingerprint"),
            (&*format!("\"{key}\""), "", "7:13", "no key is trusted"),
            ("timeout_ms = 5000", "timeout_ms = 50", "9:14", "500 to 10000"),
            ("ietf-interfaces", "openconfig", "11:13", "says by itself"),
            ("namespace = \"urn:x\"\n", "", "10:9", "knows no VLAN"),
            ("switchport/access-vlan", "switchport//access-vlan", "12:13", "is not understood"),
            ("switchport/access-vlan", "switchport><x", "12:13", "is not understood"),
            ("urn:x", "urn:\\\"x", "11:13", "is not understood"),
        ] {
            let told = at(&good.replacen(was, is, 1));
            assert!(told.contains(&format!("site.toml:{place}")) && told.contains(what), "{is}: {told}");
        }
    }

    #[test]
    fn where_packets_are_looked_at_is_said_in_words_that_are_checked_each_at_its_place() {
        let at = |lines: &str| {
            let mut sources = Sources::new();
            let file = sources.add("site.toml", format!("[enforcer.nftables]\n{lines}\n"));
            let section = fieldwarden_config::parse(&sources, file).unwrap();
            let faults = Settings::configure(&section).err().unwrap_or_default();
            fieldwarden_config::render(&faults, &sources)
        };
        for good in [
            "",
            "families = [\"inet\"]",
            "ingress = [\"eth1\", \"eth1.10\"]",
            "families = [\"bridge\", \"netdev\"]\ningress = [\"br-lan\"]",
        ] {
            assert_eq!(at(good), "", "{good}");
        }
        for (bad, place, what) in [
            ("families = []", "2:12", "nothing could be cut"),
            ("families = [\"ip\"]", "2:12", "`ip` is not known here"),
            ("families = [\"netdev\"]", "2:12", "needs interfaces"),
            ("families = [\"inet\"]\ningress = [\"eth1\"]", "3:11", "nothing looks at"),
            ("ingress = [\"../x\"]", "2:11", "no name of an interface"),
            ("ingress = [\"a name of more\"]", "2:11", "no name of an interface"),
            ("ingress = [\"eth1\", \"eth1\"]", "2:11", "named twice"),
        ] {
            let told = at(bad);
            assert!(told.contains(place) && told.contains(what), "{bad}: {told}");
        }
    }
}
