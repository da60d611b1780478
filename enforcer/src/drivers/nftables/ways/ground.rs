//! What the kernel says of this machine's interfaces, bridges and routes, read from `/proc` and `/sys`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use fieldwarden_model::Mac;

use super::{Learned, Route};

/// The most octets that are read of one table.
const MAX_TABLE: u64 = 4 * 1024 * 1024;
/// Octets of one line of a bridge's table (`struct __fdb_entry` of `linux/if_bridge.h`).
const LEARNED: usize = 16;

/// Interfaces, bridges and routes of this machine.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Ground {
    /// Hardware addresses of our own.
    pub(super) macs: BTreeSet<Mac>,
    /// IP addresses of our own.
    pub(super) own: BTreeSet<IpAddr>,
    /// Names of bridges.
    pub(super) bridges: Vec<String>,
    /// What the bridges learned.
    pub(super) learned: Learned,
    /// The main table.
    pub(super) routes: Vec<Route>,
    /// For each interface that is made upon others, those. None for a bridge: what comes in by it came by one of its ports.
    pub(super) lower: BTreeMap<String, Vec<String>>,
}

impl Ground {
    /// As it is now. What cannot be read is as if it were not there.
    pub(in super::super) fn now() -> Self {
        let mut ground = Self {
            own: own_v4(&table("/proc/net/fib_trie")).chain(own_v6(&table("/proc/net/if_inet6"))).collect(),
            routes: routes_v4(&table("/proc/net/route"))
                .chain(routes_v6(&table("/proc/net/ipv6_route")))
                .collect(),
            ..Self::default()
        };
        for interface in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
            ground.add(&interface.file_name().to_string_lossy(), &interface.path());
        }
        ground
    }

    fn add(&mut self, name: &str, path: &Path) {
        let address = fs::read_to_string(path.join("address")).unwrap_or_default();
        self.macs.extend(address.trim().parse::<Mac>().ok().filter(|mac| mac.0 != [0; 6]));
        if !path.join("bridge").exists() {
            let files = fs::read_dir(path).into_iter().flatten().flatten();
            let below =
                files.filter_map(|file| Some(file.file_name().to_str()?.strip_prefix("lower_")?.to_owned()));
            self.lower.insert(name.to_owned(), below.collect());
            return;
        }
        self.bridges.push(name.to_owned());
        let mut ports: BTreeMap<u16, String> = BTreeMap::new();
        for port in fs::read_dir(path.join("brif")).into_iter().flatten().flatten() {
            let number = fs::read_to_string(port.path().join("port_no")).unwrap_or_default();
            if let Ok(number) = u16::from_str_radix(number.trim().trim_start_matches("0x"), 16) {
                ports.insert(number, port.file_name().to_string_lossy().into_owned());
            }
        }
        let mut octets = Vec::new();
        if let Ok(file) = File::open(path.join("brforward")) {
            // What was read before a fault is as good as the whole: the bridge learns while it is read.
            let _ = file.take(MAX_TABLE).read_to_end(&mut octets);
        }
        self.learned.extend(
            learned(&octets)
                .filter_map(|(mac, port)| Some((mac, (name.to_owned(), ports.get(&port)?.clone())))),
        );
    }

    /// Whether `wanted` is `device` or what it is made upon.
    pub(in super::super) fn is_upon(&self, device: &str, wanted: &str) -> bool {
        // Interfaces are stacked a few levels: VLAN upon bond upon port.
        let mut level = vec![device];
        for _ in 0..4 {
            if level.contains(&wanted) {
                return true;
            }
            level = level
                .into_iter()
                .filter_map(|one| self.lower.get(one))
                .flatten()
                .map(String::as_str)
                .collect();
        }
        false
    }
}

fn table(path: &str) -> String {
    let mut octets = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(MAX_TABLE).read_to_end(&mut octets);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// What a bridge learned from others, as hardware address and number of the port.
fn learned(octets: &[u8]) -> impl Iterator<Item = (Mac, u16)> {
    octets.chunks_exact(LEARNED).filter_map(|line| {
        let (mac, rest) = line.split_first_chunk::<6>()?;
        // Port, whether it is an address of the bridge itself, age in four octets, the port's upper octet.
        let [low, is_own, _, _, _, _, high, ..] = *rest else { return None };
        (is_own == 0).then_some((Mac(*mac), u16::from_be_bytes([high, low])))
    })
}

/// Local addresses: each is followed by `/32 host LOCAL`.
fn own_v4(text: &str) -> impl Iterator<Item = IpAddr> {
    let lines = text.lines().map(str::trim);
    let pairs = lines.clone().zip(lines.skip(1));
    pairs
        .filter(|(_, next)| *next == "/32 host LOCAL")
        .filter_map(|(line, _)| line.strip_prefix("|-- ")?.parse::<Ipv4Addr>().ok().map(IpAddr::V4))
}

fn own_v6(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| address_v6(line.split_whitespace().next()?))
}

fn address_v6(hex: &str) -> Option<IpAddr> {
    u128::from_str_radix(hex, 16)
        .ok()
        .filter(|_| hex.len() == 32)
        .map(|bits| Ipv6Addr::from_bits(bits).into())
}

/// Interface, destination, router, flags, .., mask: addresses as numbers of this machine's octet order.
fn routes_v4(text: &str) -> impl Iterator<Item = Route> {
    const IS_UP: u16 = 1;
    text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, network, by, flags, _, _, _, mask, ..] = *words.as_slice() else { return None };
        let address =
            |hex: &str| u32::from_str_radix(hex, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()));
        let flags = u16::from_str_radix(flags, 16).ok()?;
        let bits = u8::try_from(address(mask)?.to_bits().count_ones()).ok()?;
        let by = address(by)?;
        let by = (!by.is_unspecified()).then_some(IpAddr::V4(by));
        (flags & IS_UP != 0).then_some(Route {
            network: address(network)?.into(),
            bits,
            by,
            device: device.to_owned(),
        })
    })
}

/// Destination, its bits, source, its bits, router, .., flags, interface: all in hexadecimal digits.
fn routes_v6(text: &str) -> impl Iterator<Item = Route> {
    /// Neither refused (`RTF_REJECT`) nor our own address (`RTF_LOCAL`) nor a group (`RTF_ANYCAST`).
    const NO_WAY: u32 = 0x0200 | 0x8000_0000 | 0x0010_0000;
    text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [network, bits, _, _, by, _, _, _, flags, device] = *words.as_slice() else { return None };
        let (network, by) = (address_v6(network)?, address_v6(by)?);
        let is_group = network.is_multicast();
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let by = (!by.is_unspecified()).then_some(by);
        let bits = u8::from_str_radix(bits, 16).ok()?;
        (flags & NO_WAY == 0 && !is_group && device != "lo").then_some(Route {
            network,
            bits,
            by,
            device: device.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel_are_read() {
        let trie = "  |-- 10.1.0.0\n     /24 link UNICAST\n  |-- 10.1.0.1\n     /32 host LOCAL\n  |-- 10.1.0.255\n     /32 link BROADCAST\n";
        let own: Vec<IpAddr> = own_v4(trie).collect();
        assert_eq!(own, ["10.1.0.1".parse::<IpAddr>().unwrap()]);
        let number = |address: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(address));
        let line = |device: &str, network, by, mask| {
            format!(
                "{device}\t{}\t{}\t0003\t0\t0\t0\t{}\t0\t0\t0\n",
                number(network),
                number(by),
                number(mask)
            )
        };
        let table = format!(
            "Iface\tDestination\n{}{}",
            line("eth1", [10, 1, 0, 0], [0; 4], [255, 255, 255, 0]),
            line("eth0", [0; 4], [10, 9, 0, 1], [0; 4])
        );
        let routes: Vec<Route> = routes_v4(&table).collect();
        let shown: Vec<_> = routes
            .iter()
            .map(|r| (r.network.to_string(), r.bits, r.by.map(|by| by.to_string()), r.device.as_str()))
            .collect();
        assert_eq!(
            shown,
            [("10.1.0.0".into(), 24, None, "eth1"), ("0.0.0.0".into(), 0, Some("10.9.0.1".into()), "eth0")]
        );
        let six = "fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 \
                   00000100 00000001 00000000 00000001 br0\nfe800000000000000000000000000001 80 00000000000000000000000000000000 00 \
                   00000000000000000000000000000000 00000000 00000001 00000000 80200001 lo\n";
        let routes: Vec<Route> = routes_v6(six).collect();
        assert_eq!(routes.len(), 1);
        assert!(routes[0].bits == 64 && routes[0].device == "br0", "{routes:?}");
        for odd in ["", "x", "eth1 0 0", "eth1\t0102030405\tzz\t1\t0\t0\t0\t1"] {
            assert_eq!(
                routes_v4(&format!("head\n{odd}\n")).count() + routes_v6(odd).count() + own_v4(odd).count(),
                0
            );
        }
    }

    #[test]
    fn a_bridge_tells_where_it_learned_an_address() {
        let line = |mac: u8, port: u8, is_own: u8, high: u8| {
            [2, 0, 0, 0, 0, mac, port, is_own, 1, 0, 0, 0, high, 0, 0, 0]
        };
        let octets = [line(1, 2, 0, 0), line(2, 3, 1, 0), line(3, 1, 0, 1)].concat();
        let told: Vec<_> = learned(&octets).collect();
        assert_eq!(told, [(Mac([2, 0, 0, 0, 0, 1]), 2), (Mac([2, 0, 0, 0, 0, 3]), 0x101)]);
        assert_eq!(learned(&octets[..20]).count(), 1, "a line cut short is none");
    }
}
