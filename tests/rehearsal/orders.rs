//! Random orders of every target and scope the product has.

use std::time::{SystemTime, UNIX_EPOCH};

use fieldwarden_model::{Order, OrderId, Scope, Talker, Target, Timestamp, Transport, order::OnDegraded};

use super::{
    ground::SWITCH,
    plant::{Machine, Plant, Random, Talk},
};

/// An order against something of the plant, or against nothing of it.
pub(crate) fn random(random: &mut Random, plant: &Plant) -> Order {
    let (target, scope) = loop {
        let target = match random.below(10) {
            0..=2 => talker(random, plant),
            3 | 4 => conversation(random, plant),
            5..=7 => match quarantine(random, plant) {
                Some(target) => break (target, Scope::WriteQuarantine),
                None => continue,
            },
            _ => match port(random, plant) {
                Some(target) => target,
                None => continue,
            },
        };
        let scope = Scope::usual(&target);
        break (target, scope);
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut order = Order {
        id: OrderId(String::new()),
        target,
        scope,
        lapse_secs: 600,
        keep_within_secs: 120,
        on_degraded: OnDegraded::Revert,
        reason: "a rehearsal".into(),
        incident: None,
        author: "jo".into(),
        proposed: Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap()),
    };
    order.id = order.identify();
    order
}

fn talker(random: &mut Random, plant: &Plant) -> Target {
    let Machine { v4, v6, mac, .. } = random.one(&plant.machines);
    let talker = match random.below(12) {
        0 | 1 => Talker::Mac(fieldwarden_model::Mac(mac)),
        2 => Talker::Ip([10, 1, 0, 250].into()),
        3..=5 => Talker::Ip(v6),
        _ => Talker::Ip(v4),
    };
    Target::Talker { talker }
}

fn conversation(random: &mut Random, plant: &Plant) -> Target {
    let talk: Talk = random.one(&plant.talks);
    let ends = [&talk.name.client, &talk.name.server].map(|name| name.parse::<Talker>().unwrap());
    let [mut client, mut server] = ends;
    match random.below(10) {
        0 | 1 => (client, server) = (server, client),
        2 => server = Talker::Ip(random.one(&plant.machines).v4),
        _ => {}
    }
    let server_port = match random.below(10) {
        0..=2 => None,
        // The client's own, which is the server's where the order takes one for the other.
        3 => Some(talk.client_port),
        4 => Some(502),
        _ => Some(talk.name.port),
    };
    let transport = random.one(&[None, None, Some(Transport::Tcp), Some(Transport::Udp)]);
    Target::Conversation { client, server, server_port, transport }
}

fn quarantine(random: &mut Random, plant: &Plant) -> Option<Target> {
    let all: Vec<&Talk> = plant.talks.iter().filter(|talk| [102, 502].contains(&talk.name.port)).collect();
    let talk = all.get(random.below(all.len()))?;
    Some(Target::Conversation {
        client: talk.name.client.parse().unwrap(),
        server: talk.name.server.parse().unwrap(),
        server_port: Some(talk.name.port),
        transport: Some(Transport::Tcp),
    })
}

fn port(random: &mut Random, plant: &Plant) -> Option<Target> {
    let all: Vec<&String> = plant.machines.iter().filter_map(|machine| machine.port.as_ref()).collect();
    let port = all.get(random.below(all.len()))?;
    Some(Target::SwitchPort { switch: SWITCH.into(), port: (*port).clone() })
}
