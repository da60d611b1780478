//! Reads TOML into a tree that knows where each value stood, and writes it back.
