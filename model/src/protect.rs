//! What must never be cut, and the one pure function that refuses an order which would.
//!
//! Both programs call [`refusal`]: the daemon before it proposes, the enforcer, from its own copy of the list, before
//! it plans. The answer depends on the order and the list alone.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    address::{Talker, Transport},
    order::{Order, Target},
};

/// A conversation, or all conversations of a talker, that no order may touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protected {
    /// The name people know it by, told in every refusal.
    pub name: String,
    /// One end.
    pub talker: Talker,
    /// The other end; absent when everything `talker` says or hears is protected.
    pub peer: Option<Talker>,
    /// The server's port, where only one service between the two is protected.
    pub server_port: Option<u16>,
    /// TCP or UDP, where only one of them is protected.
    pub transport: Option<Transport>,
}

/// The protected entry that `order` would cut, if any.
///
/// An order covers a protected entry when at least one conversation could exist that both match; when in doubt it
/// does, since a refused order can be narrowed and a cut safety conversation cannot be undone.
#[must_use]
pub fn refusal<'a>(order: &Order, protected: &'a [Protected]) -> Option<&'a Protected> {
    protected.iter().find(|entry| covers(&order.target, entry))
}

fn covers(target: &Target, entry: &Protected) -> bool {
    match target {
        Target::Talker { talker } => entry.talker == *talker || entry.peer == Some(*talker),
        Target::Conversation { client, server, server_port, transport } => {
            let pair = |a: Talker, b: Talker| entry.talker == a && entry.peer.is_none_or(|peer| peer == b);
            let ends = pair(*client, *server) || pair(*server, *client);
            let agree = |a: Option<u16>, b: Option<u16>| a.is_none() || b.is_none() || a == b;
            let transports = entry.transport.is_none_or(|protected| transport.is_none_or(|t| t == protected));
            ends && agree(*server_port, entry.server_port) && transports
        }
        // Who is behind a port the order does not say: see `behind`.
        Target::SwitchPort { .. } => false,
    }
}

/// The names of all protected entries that lose an end when everything of `talkers` is cut, as it is when the port they are
/// behind is moved into another VLAN.
#[must_use]
pub fn behind<'a>(talkers: &[Talker], protected: &'a [Protected]) -> Vec<&'a str> {
    let is_behind = |talker: Talker| talkers.contains(&talker);
    let loses = |entry: &&Protected| is_behind(entry.talker) || entry.peer.is_some_and(is_behind);
    protected.iter().filter(loses).map(|entry| entry.name.as_str()).collect()
}

/// The names of all protected entries an order would cut, for a message that spares the reader a second try.
#[must_use]
pub fn all_refusals<'a>(order: &Order, protected: &'a [Protected]) -> Vec<&'a str> {
    protected.iter().filter(|entry| covers(&order.target, entry)).map(|entry| entry.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{order::tests::order, time::Timestamp};

    fn talker(text: &str) -> Talker {
        text.parse().unwrap()
    }

    fn safety() -> Protected {
        Protected {
            name: "safety loop".into(),
            talker: talker("10.0.0.30"),
            peer: Some(talker("10.0.0.31")),
            server_port: Some(502),
            transport: Some(Transport::Tcp),
        }
    }

    fn conversation(client: &str, server: &str, server_port: Option<u16>) -> Target {
        Target::Conversation { client: talker(client), server: talker(server), server_port, transport: None }
    }

    #[test]
    fn every_scope_that_reaches_the_safety_loop_is_refused() {
        let list = [safety()];
        for target in [
            Target::Talker { talker: talker("10.0.0.30") },
            Target::Talker { talker: talker("10.0.0.31") },
            conversation("10.0.0.30", "10.0.0.31", Some(502)),
            conversation("10.0.0.31", "10.0.0.30", Some(502)),
            conversation("10.0.0.30", "10.0.0.31", None),
        ] {
            let order = order(target, Timestamp::default());
            assert_eq!(refusal(&order, &list).map(|p| p.name.as_str()), Some("safety loop"), "{order:?}");
        }
    }

    #[test]
    fn what_lies_beside_it_is_not() {
        let list = [safety()];
        for target in [
            Target::Talker { talker: talker("10.0.0.66") },
            conversation("10.0.0.66", "10.0.0.31", Some(502)),
            conversation("10.0.0.30", "10.0.0.31", Some(80)),
        ] {
            assert_eq!(refusal(&order(target, Timestamp::default()), &list), None);
        }
    }

    #[test]
    fn either_end_behind_a_port_protects_the_port() {
        let list = [safety()];
        for address in ["10.0.0.30", "10.0.0.31"] {
            assert_eq!(behind(&[talker("10.0.0.66"), talker(address)], &list), ["safety loop"]);
        }
        assert!(behind(&[talker("10.0.0.66")], &list).is_empty());
    }

    #[test]
    fn a_talker_protected_whole_refuses_every_conversation_of_it() {
        let list = [Protected { peer: None, server_port: None, transport: None, ..safety() }];
        assert!(
            refusal(&order(conversation("10.0.0.66", "10.0.0.30", Some(502)), Timestamp::default()), &list)
                .is_some()
        );
    }
}
