//! Outward: store, history, cases, outbox, forwarders.
