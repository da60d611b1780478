//! What the room is made of: a row for each detector, and in it three ways around it.

use fieldwarden_model::Site;

use super::plant::Plant;

/// A way around a detector.
pub(crate) struct Evasion {
    /// What is done, for people.
    pub(crate) how: &'static str,
    /// Part of an address of whoever does it: the alert must name it.
    pub(crate) who: &'static str,
    pub(crate) scene: fn(&mut Plant),
    pub(crate) told: Told,
}

/// What becomes of it.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    /// One of these detectors tells it.
    By(&'static [&'static str]),
    /// The detector does not; these words of `docs/known-issues.md` say so.
    Unseen(&'static str),
}

/// The three ways around one detector.
pub(crate) struct Row {
    pub(crate) detector: &'static str,
    /// The plant as its site file has it.
    pub(crate) site: fn() -> Site,
    /// The telling message in pieces: segments of TCP, fragments of IP, a conversation joined in its middle; for what
    /// knows no pieces, the nearest thing: padding, a VLAN tag, a frame to one instead of all.
    pub(crate) segmented: Evasion,
    /// Below the window of the thresholds, or slower than the poll.
    pub(crate) slow: Evasion,
    /// Shared out over several clients or servers.
    pub(crate) split: Evasion,
}

/// What somebody outside the plant does.
pub(crate) const fn rogue(how: &'static str, by: &'static [&'static str], scene: fn(&mut Plant)) -> Evasion {
    Evasion { how, who: "10.0.0.66", scene, told: Told::By(by) }
}

/// What is done from the operator's station.
pub(crate) const fn station(
    how: &'static str,
    by: &'static [&'static str],
    scene: fn(&mut Plant),
) -> Evasion {
    Evasion { how, who: "10.0.0.5", scene, told: Told::By(by) }
}

/// What is done to somebody, whoever does it.
pub(crate) const fn to(
    who: &'static str,
    how: &'static str,
    by: &'static [&'static str],
    scene: fn(&mut Plant),
) -> Evasion {
    Evasion { how, who, scene, told: Told::By(by) }
}

/// What passes by the detector.
pub(crate) const fn unseen(how: &'static str, says: &'static str, scene: fn(&mut Plant)) -> Evasion {
    Evasion { how, who: "", scene, told: Told::Unseen(says) }
}

/// A row of a plant without conduits.
pub(crate) fn row(detector: &'static str, segmented: Evasion, slow: Evasion, split: Evasion) -> Row {
    Row { detector, site: Site::default, segmented, slow, split }
}
