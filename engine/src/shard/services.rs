//! The services a shard has met, with their conversations and how lively they are. Bounded; the ones silent longest are
//! forgotten first.

use fieldwarden_model::{Mac, Operation, Outcome, PointRange, Timestamp, Transport, Verb};
use fieldwarden_protocols::Direction;
use serde::{Deserialize, Serialize};

use crate::{
    baseline::compiled::{Compiled, CompiledEntry},
    budget::{ALLOCATION, push_sparingly},
    conversation::{ConversationKey, ServiceKey},
    detect::{Load, Memory, request_flood},
    history::Liveliness,
    map::{Places, Seed},
    rehearse::is_whole_read,
    shard::Poll,
    track::Origin,
};

/// Conversations (protocols and units) remembered per service.
pub(crate) const MAX_CONVERSATIONS: usize = 512;
/// Digests of polls remembered per conversation: a station polls a controller in a handful of requests.
const POLLED: usize = 8;
/// Whole minutes of which operations are counted.
const MINUTES: usize = 10;

/// Where a service stands, and which generation of that place is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    at: usize,
    generation: u32,
}

/// A client that uses a service of a server.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) key: ServiceKey,
    /// Whether the baseline lists it.
    pub(crate) known: bool,
    /// Whether it is addressed to a group.
    pub(crate) to_group: bool,
    pub(crate) answered: bool,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) flows: u64,
    /// When a connection was last tried, or one was joined.
    pub(crate) tried: Timestamp,
    /// When it was last not seen as it should be.
    pub(crate) blind_at: Timestamp,
    /// How its last flow came by.
    pub(crate) wire: Wire,
    pub(crate) memory: Memory,
    pub(crate) conversations: Vec<Conversation>,
}

/// How the last flow of a service came by: what decides which device can cut it. Not kept across a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wire {
    /// The client's own port, which is the server's in protocols that use one on both sides.
    pub(crate) client_port: Option<u16>,
    /// The hardware address on the client's side.
    pub(crate) client_mac: Option<Mac>,
    /// The hardware address on the server's side.
    pub(crate) server_mac: Option<Mac>,
    /// VLAN tags.
    pub(crate) tags: u8,
}

impl Wire {
    /// Takes in a packet. Between the two ends there may be routers, so that only who sends shows his own address.
    pub(crate) fn hear(&mut self, origin: &Origin<'_>) {
        self.client_port = origin.key.client.port;
        self.tags = u8::try_from(origin.vlan.len()).unwrap_or(u8::MAX);
        match origin.direction {
            Direction::ToServer => {
                self.client_mac = origin.client_mac;
                self.server_mac = self.server_mac.or(origin.server_mac);
            }
            Direction::ToClient => {
                self.server_mac = origin.server_mac;
                self.client_mac = self.client_mac.or(origin.client_mac);
            }
        }
    }
}

/// What is spoken with one unit over a service.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) key: ConversationKey,
    /// The position of its entry in the baseline.
    pub(crate) entry: Option<usize>,
    /// The common functions of that entry, kept here because every message is held against them.
    usual: u128,
    pub(crate) activity: Activity,
    /// Requests since the last answer.
    pub(crate) unanswered: u32,
    /// What came unasked, which its activity counts as asked.
    pub(crate) reported: u32,
    /// Whether the server answered: who asks may send what looks like an answer, and is not served by that.
    pub(crate) served: bool,
    /// Whether its poll stopped, as far as it was told.
    pub(crate) poll: Poll,
    /// Classes of operations that passed, one bit each.
    passed: u16,
    /// Whether nothing was heard since an entry was found for it: what is not begun has not stopped.
    pub(crate) idle: bool,
    /// Digests of points that were read and found normal: what is polled is looked up once.
    polled: [u32; POLLED],
}

impl Service {
    /// How much its conversations did; nothing where nobody answered and no entry knows it.
    pub(crate) fn liveliness(&self) -> impl Iterator<Item = Liveliness> {
        let counts = self.answered || self.known;
        self.conversations.iter().filter(move |_| counts).map(|conversation| Liveliness {
            conversation: conversation.key.to_string(),
            operations: conversation.activity.asked,
            refused: conversation.activity.refused,
            first: conversation.activity.first,
            last: conversation.activity.last,
        })
    }
}

/// How lively a conversation is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    /// When an answer was last heard, whichever side gave it.
    pub(crate) last_answer: Option<Timestamp>,
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    minute: i64,
    asked_in: [u32; MINUTES],
    /// What was asked beside whole reads.
    #[serde(default)]
    pub(crate) beyond_reads: BeyondReads,
}

/// What a client asked that a write quarantine would not let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct BeyondReads {
    /// Classes of operations, one bit each.
    verbs: u16,
    /// How many requests.
    pub(crate) asked: u64,
    /// The last one.
    pub(crate) last: Timestamp,
}

impl BeyondReads {
    /// Notes an operation, the `first` of its message or a further one.
    pub(crate) fn note(&mut self, verb: Verb, first: bool, time: Timestamp) {
        self.verbs |= bit(verb);
        self.asked += u64::from(first);
        self.last = time;
    }

    /// The classes of operations that were asked.
    pub(crate) fn verbs(self) -> impl Iterator<Item = Verb> {
        Verb::ALL.into_iter().filter(move |verb| self.verbs & bit(*verb) != 0)
    }
}

const fn bit(verb: Verb) -> u16 {
    1 << verb as u16
}

impl Activity {
    pub(crate) fn new(time: Timestamp) -> Self {
        Self {
            first: time,
            last: time,
            last_answer: None,
            asked: 0,
            answered: 0,
            refused: 0,
            minute: minute(time),
            asked_in: [0; MINUTES],
            beyond_reads: BeyondReads::default(),
        }
    }

    /// Counts an operation; where it is the first demand of another minute, tells how many the minute before it held, if that was a whole
    /// one.
    pub(crate) fn count(&mut self, time: Timestamp, outcome: Outcome) -> Option<u32> {
        let mut over = None;
        self.last = time;
        match outcome {
            Outcome::Asked | Outcome::Reported => {
                self.asked += 1;
                over = self.turn_to(minute(time));
                if let Some(current) = self.asked_in.first_mut() {
                    *current = current.saturating_add(1);
                }
            }
            Outcome::Done => {
                self.answered += 1;
                self.last_answer = Some(time);
            }
            Outcome::Refused(_) => {
                self.refused += 1;
                self.last_answer = Some(time);
            }
        }
        over
    }

    /// Operations asked per minute, over the whole minutes before `now` and the running one; thousandths.
    pub(crate) fn per_minute_thousandths(&self, now: Timestamp) -> u64 {
        let mut copy = self.clone();
        copy.turn_to(minute(now));
        let total: u64 = copy.asked_in.iter().map(|count| u64::from(*count)).sum();
        let window_start = (minute(now) - i64::try_from(MINUTES).unwrap_or(10) + 1).saturating_mul(60);
        let since = self.first.max(Timestamp::from_seconds(window_start));
        let seconds = now.since(since).as_secs().max(1);
        total.saturating_mul(60_000) / seconds
    }

    fn turn_to(&mut self, now: i64) -> Option<u32> {
        let passed = usize::try_from(now.saturating_sub(self.minute)).unwrap_or(0);
        if passed == 0 {
            return None;
        }
        let whole = passed == 1 && minute(self.first) < self.minute;
        let over = self.asked_in.first().copied().filter(|_| whole);
        self.minute = now;
        self.asked_in.rotate_right(passed.min(MINUTES) % MINUTES);
        for count in self.asked_in.iter_mut().take(passed) {
            *count = 0;
        }
        over
    }
}

fn minute(time: Timestamp) -> i64 {
    time.nanos().div_euclid(60_000_000_000)
}

impl Conversation {
    pub(crate) fn new(key: ConversationKey, baseline: Option<&Compiled>, activity: Activity) -> Self {
        let served = activity.last_answer.is_some();
        let mut conversation = Self {
            key,
            entry: None,
            usual: 0,
            activity,
            unanswered: 0,
            reported: 0,
            served,
            poll: Poll::On,
            passed: 0,
            idle: false,
            polled: [0; POLLED],
        };
        conversation.judge_by(baseline);
        conversation
    }

    /// Counts an operation; how many the minute before held, where that is over, and what is remarkable about the load, at the
    /// requests where that shows.
    pub(crate) fn count(
        &mut self,
        time: Timestamp,
        outcome: Outcome,
        transport: Transport,
    ) -> (Option<u32>, Option<Load>) {
        let minute = self.activity.count(time, outcome);
        self.idle = false;
        if outcome != Outcome::Asked || transport == Transport::Link {
            return (minute, None);
        }
        // Requests that stay unanswered are counted behind this.
        let unanswered = self.unanswered.saturating_add(1);
        let [asked, ..] = self.activity.asked_in;
        let backlog = unanswered == request_flood::BACKLOG && self.served;
        let load =
            (backlog || asked.is_multiple_of(request_flood::GRAIN)).then_some(Load { asked, unanswered });
        (minute, load)
    }

    /// Notes an operation that the client asks, `first` of its message or a further one, which came `alone` in one segment or
    /// not; whether a write quarantine would let it pass.
    pub(crate) fn is_let_pass(
        &mut self,
        operation: &Operation<'_>,
        (first, alone): (bool, bool),
        time: Timestamp,
    ) -> bool {
        let is_read = is_whole_read(self.key.service.port, self.key.protocol, operation.function);
        if !is_read || !alone {
            self.activity.beyond_reads.note(operation.verb, first, time);
        }
        is_read && alone
    }

    /// Notes an operation; whether it is the server's first answer.
    pub(crate) fn serves(&mut self, outcome: Outcome, direction: Direction) -> bool {
        let answers =
            direction == Direction::ToClient && matches!(outcome, Outcome::Done | Outcome::Refused(_));
        answers && !core::mem::replace(&mut self.served, true)
    }

    /// Whether points are read here normally, as `covers` says; what was found so is remembered.
    pub(crate) fn polls(&mut self, points: &PointRange, covers: impl FnOnce() -> bool) -> bool {
        let PointRange { space, first, last } = *points;
        let place = u64::from(space.area) << 32 ^ u64::from(space.block);
        let mixed =
            (place ^ first.rotate_left(20) ^ last.rotate_left(44)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Never 0, which is no digest.
        let digest = u32::try_from(mixed >> 32).unwrap_or(0) | 1;
        if self.polled.contains(&digest) {
            return true;
        }
        let known = covers();
        if known {
            // The one found longest ago makes room.
            self.polled.rotate_right(1);
            self.polled[0] = digest;
        }
        known
    }

    /// Judges by another baseline than before from now on.
    pub(crate) fn judge_anew(&mut self, baseline: Option<&Compiled>) {
        let was_known = self.entry.is_some();
        self.judge_by(baseline);
        // A session that outlives what allowed it is news with its next answer.
        self.served &= !(was_known && self.entry.is_none());
        self.idle |= !was_known && self.entry.is_some();
    }

    /// Judges by a baseline from now on.
    pub(crate) fn judge_by(&mut self, baseline: Option<&Compiled>) {
        self.entry = baseline.and_then(|baseline| baseline.position(&self.key));
        let entry = self.entry.and_then(|position| baseline.and_then(|baseline| baseline.entry(position)));
        self.usual = entry.map_or(0, CompiledEntry::common_functions);
        self.polled = [0; POLLED];
    }

    /// Notes that an operation of a class passed; whether it is the first of its class.
    pub(crate) const fn passes(&mut self, verb: Verb) -> bool {
        let bit = bit(verb);
        let first = self.passed & bit == 0;
        self.passed |= bit;
        first
    }

    /// Whether a function is a common one of this conversation.
    pub(crate) const fn uses(&self, function: u32) -> bool {
        function < 128 && self.usual >> function & 1 == 1
    }
}

/// The services of one shard.
#[derive(Debug)]
pub(crate) struct Services {
    slots: Vec<(u32, Option<Service>)>,
    free: Vec<usize>,
    by_key: Places,
    most: usize,
}

impl Services {
    /// No services yet; when there are `most`, the sixteenth part that matters least is forgotten.
    pub(crate) fn new(most: usize, seed: Seed) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), by_key: Places::new(seed), most: most.max(16) }
    }

    /// Octets one service takes, by the sizes of what is kept of it, with one conversation.
    pub(crate) const fn octets_each() -> usize {
        size_of::<(u32, Option<Service>)>() + size_of::<Conversation>() + Places::OCTETS_EACH + ALLOCATION
    }

    /// Whether the slot still means what it meant.
    pub(crate) fn holds(&self, slot: Slot) -> bool {
        self.slots.get(slot.at).is_some_and(|(generation, _)| *generation == slot.generation)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Service> {
        let (generation, service) = self.slots.get(slot.at)?;
        if *generation == slot.generation { service.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Service> {
        let (generation, service) = self.slots.get_mut(slot.at)?;
        if *generation == slot.generation { service.as_mut() } else { None }
    }

    /// The service of this key, new if it was not met before; and whether others were forgotten for it.
    pub(crate) fn meet(
        &mut self,
        key: ServiceKey,
        time: Timestamp,
        known: impl FnOnce() -> bool,
    ) -> (Slot, bool) {
        if let Some(at) = self.by_key.find(&key, |at| self.key_at(at) == Some(key)) {
            let at = at as usize;
            let generation = self.slots.get(at).map_or(0, |(generation, _)| *generation);
            return (Slot { at, generation }, false);
        }
        let full = self.by_key.len() >= self.most;
        if full {
            self.forget_stalest();
        }
        let service = Service {
            key,
            known: known(),
            to_group: false,
            answered: false,
            first: time,
            last: time,
            flows: 0,
            tried: time,
            blind_at: Timestamp::MIN,
            wire: Wire::default(),
            memory: Memory::default(),
            conversations: Vec::new(),
        };
        (self.place(service), full)
    }

    /// All services, in no order: whoever tells them sorts them first.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Service> {
        self.slots.iter().filter_map(|(_, service)| service.as_ref())
    }

    pub(crate) fn each_mut(&mut self, mut change: impl FnMut(&mut Service)) {
        for (_, service) in &mut self.slots {
            if let Some(service) = service {
                change(service);
            }
        }
    }

    fn key_at(&self, at: u32) -> Option<ServiceKey> {
        key_at(&self.slots, at)
    }

    /// Puts a service in its place.
    pub(crate) fn place(&mut self, service: Service) -> Slot {
        let at = self.free.pop().unwrap_or_else(|| {
            push_sparingly(&mut self.slots, (0, None));
            self.slots.len() - 1
        });
        let key = service.key;
        let mut generation = 0;
        if let Some((current, place)) = self.slots.get_mut(at) {
            generation = *current;
            *place = Some(service);
        }
        let slots = &self.slots;
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        self.by_key.insert(&key, place, |at| key_at(slots, at));
        Slot { at, generation }
    }

    fn forget_stalest(&mut self) {
        // What nobody expected and nobody answered goes first: a flood must not push out the plant's own services.
        let mut ages: Vec<(bool, Timestamp, ServiceKey)> = self
            .each()
            .map(|service| (service.known || service.answered, service.last, service.key))
            .collect();
        ages.sort_unstable();
        for (_, _, key) in ages.into_iter().take(self.most / 16) {
            let slots = &self.slots;
            let Some(at) = self.by_key.remove(&key, |at| key_at(slots, at) == Some(key)) else { continue };
            let at = at as usize;
            if let Some((generation, place)) = self.slots.get_mut(at) {
                *generation = generation.wrapping_add(1);
                *place = None;
            }
            self.free.push(at);
        }
    }
}

fn key_at(slots: &[(u32, Option<Service>)], at: u32) -> Option<ServiceKey> {
    slots.get(at as usize)?.1.as_ref().map(|service| service.key)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldwarden_model::{AddressSpace, Talker, Transport};
    use fieldwarden_protocols::Protocol;

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        let start = Timestamp::from_seconds(1_000_000 * 60);
        let mut activity = Activity::new(start);
        for second in 0..300 {
            activity.count(start.saturating_add(Duration::from_secs(second)), Outcome::Asked);
        }
        let five_minutes = start.saturating_add(Duration::from_secs(300));
        assert_eq!(activity.per_minute_thousandths(five_minutes), 60_000, "once a second");
        let an_hour = start.saturating_add(Duration::from_secs(3_600));
        assert_eq!(activity.per_minute_thousandths(an_hour), 0, "silent since");
    }

    #[test]
    fn who_asks_does_not_serve_himself() {
        let start = Timestamp::from_seconds(1_000_000 * 60);
        let service = ServiceKey {
            space: AddressSpace(0),
            client: Talker::Ip([10, 0, 0, 5].into()),
            server: Talker::Ip([10, 0, 0, 20].into()),
            transport: Transport::Udp,
            port: Some(123),
        };
        let key = ConversationKey { service, protocol: Protocol("ntp"), unit: None };
        let mut conversation = Conversation::new(key, None, Activity::new(start));
        assert!(!conversation.serves(Outcome::Done, Direction::ToServer), "the server said nothing");
        assert!(!conversation.serves(Outcome::Asked, Direction::ToClient));
        assert!(conversation.serves(Outcome::Refused(1), Direction::ToClient));
        assert!(
            !conversation.serves(Outcome::Done, Direction::ToClient),
            "the first answer is told, and no other"
        );
    }
}
