//! Nothing that octets can break, whatever they are and however they arrive.

use alloc::vec::Vec;

use fieldwarden_model::Transport;
use proptest::{prelude::*, sample::Index};

use super::harness::{Conversation, EXCHANGES, ToClient, ToServer, Told, adu};
use crate::{
    Direction, Dissector, Ports,
    modbus::{MAX_LONG_ADU, Modbus},
};

/// A sound conversation, each side as one stream.
fn streams(picks: &[Index]) -> (Vec<u8>, Vec<u8>) {
    let mut streams = (Vec::new(), Vec::new());
    for (transaction, pick) in (1..).zip(picks) {
        let (question, answer) = EXCHANGES[pick.index(EXCHANGES.len())];
        streams.0.extend(adu(transaction, 1, question));
        streams.1.extend(adu(transaction, 1, answer));
    }
    streams
}

/// Cuts `octets` at the given places and feeds the pieces.
fn feed(conversation: &mut Conversation, direction: Direction, octets: &[u8], cuts: &[Index]) -> Vec<Told> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
    places.extend([0, octets.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .filter(|pair| pair[0] < pair[1])
        .flat_map(|pair| {
            let told = conversation.raw(direction, &octets[pair[0]..pair[1]]);
            assert!(conversation.parser.memory() <= 4 * MAX_LONG_ADU, "memory is bounded");
            told
        })
        .collect()
}

fn run(streams: &(Vec<u8>, Vec<u8>), cuts: &[Index]) -> Vec<Told> {
    let mut conversation = Conversation::tcp();
    let mut told = feed(&mut conversation, ToServer, &streams.0, cuts);
    told.extend(feed(&mut conversation, ToClient, &streams.1, cuts));
    told
}

proptest! {
    #[test]
    fn segmentation_changes_nothing(
        picks in prop::collection::vec(any::<Index>(), 1..20),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let mut streams = streams(&picks);
        for (place, octet) in flips {
            let place = place.index(streams.0.len());
            streams.0[place] = octet;
        }
        prop_assert_eq!(run(&streams, &[]), run(&streams, &cuts));
    }

    #[test]
    fn no_octets_break_a_session(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..12),
        transport in prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)],
    ) {
        let mut conversation = Conversation::over(transport);
        for (up, octets) in pieces {
            conversation.raw(if up { ToServer } else { ToClient }, &octets);
        }
    }

    #[test]
    fn no_mutation_of_a_sound_message_breaks_a_session(
        picks in prop::collection::vec(any::<Index>(), 1..8),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 1..12),
        cut in any::<Index>(),
        gap in any::<bool>(),
    ) {
        let (mut questions, mut answers) = streams(&picks);
        for (place, octet) in flips {
            for stream in [&mut questions, &mut answers] {
                let place = place.index(stream.len());
                stream[place] = octet;
            }
        }
        let mut conversation = Conversation::tcp();
        conversation.raw(ToServer, &questions);
        conversation.raw(ToClient, &answers[..cut.index(answers.len())]);
        if gap {
            conversation.parser.gap(ToClient);
        }
        conversation.raw(ToClient, &answers);
    }

    #[test]
    fn no_octets_break_recognition(octets in prop::collection::vec(any::<u8>(), 0..64), up in any::<bool>()) {
        let direction = if up { ToServer } else { ToClient };
        let _ = Modbus.probe(direction, &octets, Ports { server: 502, client: 1 });
    }
}
