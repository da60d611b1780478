//! What a device should hold: which traffic is cut, and until when.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use fieldwarden_model::{Order, Scope, Talker, Transport, order::Target};

/// Traffic to be cut, in both directions, in words no device owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// One service of a server, for one client.
    Service {
        /// Who asks.
        client: Talker,
        /// Who answers.
        server: Talker,
        /// TCP or UDP.
        transport: Transport,
        /// The server's port.
        port: u16,
    },
    /// Everything of one transport between two talkers.
    Carried {
        /// Who asks.
        client: Talker,
        /// Who answers.
        server: Talker,
        /// TCP or UDP.
        transport: Transport,
    },
    /// Everything between two talkers.
    Pair {
        /// One end.
        client: Talker,
        /// The other end.
        server: Talker,
    },
    /// Everything of one talker.
    Talker(Talker),
    /// What a client sends to one TCP service beside reads.
    Writes {
        /// Who asks.
        client: Talker,
        /// Who answers.
        server: Talker,
        /// The server's port.
        port: u16,
    },
    /// Everything behind one port of a switch, by its moving into the quarantine VLAN.
    Port {
        /// The switch, as configured.
        switch: String,
        /// The port, as the switch names it.
        port: String,
    },
}

/// Traffic cut, and until when.
pub type Content = BTreeMap<Match, Until>;

/// Milliseconds since the machine started, at which a cut ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Until(pub u64);

impl Match {
    /// What has to be cut for `order`: one match, or two where it names a port but no transport.
    #[must_use]
    pub fn of(order: &Order) -> Vec<Self> {
        match (order.scope, &order.target) {
            (
                Scope::WriteQuarantine,
                Target::Conversation { client, server, server_port: Some(port), .. },
            ) => {
                vec![Self::Writes { client: *client, server: *server, port: *port }]
            }
            (_, target) => Self::of_target(target),
        }
    }

    fn of_target(target: &Target) -> Vec<Self> {
        match *target {
            Target::SwitchPort { ref switch, ref port } => {
                vec![Self::Port { switch: switch.clone(), port: port.clone() }]
            }
            Target::Talker { talker } => vec![Self::Talker(talker)],
            Target::Conversation { client, server, server_port: Some(port), transport: Some(transport) } => {
                vec![Self::Service { client, server, transport, port }]
            }
            Target::Conversation { client, server, server_port: Some(port), transport: None } => {
                let service = |transport| Self::Service { client, server, transport, port };
                vec![service(Transport::Tcp), service(Transport::Udp)]
            }
            Target::Conversation { client, server, server_port: None, transport: Some(transport) } => {
                vec![Self::Carried { client, server, transport }]
            }
            Target::Conversation { client, server, server_port: None, transport: None } => {
                vec![Self::Pair { client, server }]
            }
        }
    }

    /// The talkers it names; none where it names a port.
    pub fn talkers(&self) -> impl Iterator<Item = Talker> + use<> {
        let (first, second) = match *self {
            Self::Port { .. } => (None, None),
            Self::Talker(talker) => (Some(talker), None),
            Self::Service { client, server, .. }
            | Self::Carried { client, server, .. }
            | Self::Writes { client, server, .. }
            | Self::Pair { client, server } => (Some(client), Some(server)),
        };
        first.into_iter().chain(second)
    }

    /// Whether a flow from `source` to `destination` is cut by this, where `ports` are those of TCP or UDP.
    #[must_use]
    pub fn covers(
        &self,
        source: IpAddr,
        destination: IpAddr,
        protocol: u8,
        ports: Option<(u16, u16)>,
    ) -> bool {
        let (source, destination) = (Talker::Ip(source), Talker::Ip(destination));
        let forth = |a: Talker, b: Talker| source == a && destination == b;
        let back = |a: Talker, b: Talker| source == b && destination == a;
        let service = |client: Talker, server: Talker, port: u16| {
            ports.is_some_and(|(from, to)| {
                (forth(client, server) && to == port) || (back(client, server) && from == port)
            })
        };
        match *self {
            // Which flows those are no address tells.
            Self::Port { .. } => false,
            Self::Talker(talker) => talker == source || talker == destination,
            Self::Pair { client, server } => forth(client, server) || back(client, server),
            Self::Carried { client, server, transport } => {
                protocol_number(transport) == Some(protocol)
                    && (forth(client, server) || back(client, server))
            }
            Self::Writes { client, server, port } => {
                protocol_number(Transport::Tcp) == Some(protocol) && service(client, server, port)
            }
            Self::Service { client, server, transport, port } => {
                protocol_number(transport) == Some(protocol) && service(client, server, port)
            }
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { switch, port } => write!(f, "everything behind port {port} of switch {switch}"),
            Self::Talker(talker) => write!(f, "everything of {talker}"),
            Self::Pair { client, server } => write!(f, "everything between {client} and {server}"),
            Self::Writes { client, server, port } => {
                write!(f, "writes of {client} to port {port} of {server}")
            }
            Self::Carried { client, server, transport } => {
                write!(f, "{} between {client} and {server}", transport_word(*transport))
            }
            Self::Service { client, server, transport, port } => {
                write!(f, "{} between {client} and port {port} of {server}", transport_word(*transport))
            }
        }
    }
}

/// The number IANA assigns to a transport above IP; none below it.
#[must_use]
pub const fn protocol_number(transport: Transport) -> Option<u8> {
    match transport {
        Transport::Tcp => Some(6),
        Transport::Udp => Some(17),
        Transport::Link => None,
    }
}

const fn transport_word(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        Transport::Link => "frames",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_port_without_a_transport_cuts_tcp_and_udp_and_nothing_beside_it() {
        let target = Target::Conversation {
            client: "10.2.0.20".parse().unwrap(),
            server: "10.1.0.10".parse().unwrap(),
            server_port: Some(502),
            transport: None,
        };
        let cut = |from, to, protocol, ports| {
            Match::of_target(&target).iter().any(|m| m.covers(ip(from), ip(to), protocol, Some(ports)))
        };
        assert!(cut("10.2.0.20", "10.1.0.10", 6, (49_152, 502)));
        assert!(cut("10.1.0.10", "10.2.0.20", 17, (502, 49_152)));
        assert!(
            !cut("10.2.0.20", "10.1.0.10", 6, (502, 102)),
            "the client's own port 502 is another service"
        );
        assert!(!cut("10.2.0.21", "10.1.0.10", 6, (49_152, 502)));
        assert!(!cut("10.2.0.20", "10.1.0.10", 1, (0, 502)));
    }
}
