//! S7 communication.
