//! Ways through a machine of two routed interfaces, a bridge with two ports and a router beside it.

use super::*;

fn ground() -> Ground {
    let route = |network: &str, bits, by: Option<&str>, device: &str| Route {
        network: network.parse().unwrap(),
        bits,
        by: by.map(|by| by.parse().unwrap()),
        device: device.into(),
    };
    let learned = [("02:00:00:00:00:0a", "p1"), ("02:00:00:00:00:0b", "p2"), ("02:00:00:00:00:0c", "p1")];
    Ground {
        macs: ["02:00:00:00:01:01".parse().unwrap()].into(),
        own: ["10.1.0.1".parse().unwrap()].into(),
        bridges: vec!["br0".into()],
        learned: learned
            .map(|(mac, port)| (mac.parse().unwrap(), ("br0".to_owned(), port.to_owned())))
            .into(),
        routes: vec![
            route("10.1.0.0", 24, None, "eth1"),
            route("10.2.0.0", 24, None, "eth2"),
            route("10.7.0.0", 24, None, "br0"),
            route("10.8.0.0", 16, Some("10.2.0.9"), "eth2"),
            route("fd01::", 64, None, "eth1"),
            route("fd02::", 64, None, "eth2"),
        ],
        lower: [("eth2".to_owned(), vec!["bond0".to_owned()]), ("bond0".to_owned(), vec!["nic1".to_owned()])]
            .into(),
    }
}

fn between(client: &str, server: &str, macs: Option<(&str, &str)>) -> Way {
    let mac = |text: &str| text.parse().unwrap();
    let ends = Ends {
        client: client.parse().unwrap(),
        server: server.parse().unwrap(),
        client_mac: macs.map(|(client, _)| mac(client)),
        server_mac: macs.map(|(_, server)| mac(server)),
        tags: 0,
    };
    way(&ends, &ground())
}

fn routed(client: &str, server: &str) -> Way {
    Way::Routed { client: vec![client.into()], server: vec![server.into()] }
}

#[test]
fn what_is_routed_goes_from_one_interface_to_another() {
    assert_eq!(between("10.1.0.5", "10.2.0.5", None), routed("eth1", "eth2"));
    assert_eq!(between("10.1.0.5", "10.8.3.5", None), routed("eth1", "eth2"));
    assert_eq!(between("fd01::5", "fd02::5", None), routed("eth1", "eth2"));
    // One port for two networks, and a network that comes back by us, are seen by our own hardware address.
    assert_eq!(between("10.2.0.5", "10.8.3.5", None), routed("eth2", "eth2"));
    let ours = Some(("02:00:00:00:00:99", "02:00:00:00:01:01"));
    assert_eq!(between("10.1.0.5", "10.1.0.6", ours), routed("eth1", "eth1"));
    // From a port of the bridge, whose own address is the router's.
    let from_bridge = Some(("02:00:00:00:00:0a", "02:00:00:00:01:01"));
    let by_port = Way::Routed { client: vec!["br0".into(), "p1".into()], server: vec!["eth2".into()] };
    assert_eq!(between("10.7.0.5", "10.2.0.5", from_bridge), by_port);
    assert_eq!(between("10.1.0.5", "10.1.0.1", None), Way::Ending(vec!["eth1".into()]));
}

#[test]
fn what_stays_in_one_network_or_behind_one_port_does_not_come_by() {
    let strangers = Some(("02:00:00:00:00:98", "02:00:00:00:00:99"));
    for (client, server, macs, why) in [
        ("10.1.0.5", "10.1.0.6", strangers, "both ends are in 10.1.0.0/24 behind eth1"),
        (
            "10.7.0.5",
            "10.7.0.6",
            Some(("02:00:00:00:00:0a", "02:00:00:00:00:0c")),
            "behind port p1 of bridge br0",
        ),
        (
            "10.1.0.5",
            "239.1.1.1",
            Some(("02:00:00:00:00:99", "01:00:5e:01:01:01")),
            "to a group is not routed",
        ),
    ] {
        let Way::Beside(told) = between(client, server, macs) else {
            panic!("{client} to {server} comes by")
        };
        assert!(told.contains(why), "{told}");
    }
    let bridged = |server: &str| Way::Bridged { client: vec!["p1".into()], server: vec![server.into()] };
    let apart = Some(("02:00:00:00:00:0a", "02:00:00:00:00:0b"));
    assert_eq!(between("10.7.0.5", "10.7.0.6", apart), bridged("p2"));
    assert_eq!(
        between("10.7.0.5", "239.1.1.1", Some(("02:00:00:00:00:0a", "01:00:5e:01:01:01"))),
        bridged("p1")
    );
}

#[test]
fn where_nothing_tells_it_may_come_by() {
    let strangers = Some(("02:00:00:00:00:98", "02:00:00:00:00:99"));
    for (client, server) in [("10.7.0.5", "10.7.0.6"), ("10.8.0.5", "10.8.0.6"), ("192.0.2.1", "10.1.0.5")] {
        assert_eq!(between(client, server, strangers), Way::Unknown, "{client} to {server}");
    }
}

#[test]
fn an_interface_is_made_upon_others() {
    let ground = ground();
    assert!(ground.is_upon("eth2", "nic1") && ground.is_upon("eth1", "eth1"));
    assert!(!ground.is_upon("eth1", "nic1"));
}
