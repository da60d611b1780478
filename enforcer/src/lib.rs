//! Orders carried out on devices: plan, journal, apply, read back, revert.
