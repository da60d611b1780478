//! Gives up what is not needed once files and sockets are open.

use caps::{CapSet, Capability, CapsHashSet};

use crate::sys;

/// Keeps CAP_NET_ADMIN alone, for this program and whatever it might be made to run. Returns what is in force, in
/// words.
///
/// # Errors
/// When something could not be given up, naming it; the enforcer must not run then.
pub(crate) fn reduce() -> Result<String, String> {
    sys::no_new_privileges().map_err(|fault| format!("new privileges cannot be ruled out: {fault}"))?;
    let named = |set: CapSet| move |fault| format!("the {set:?} capabilities cannot be reduced: {fault}");
    let mut kept = CapsHashSet::new();
    kept.insert(Capability::CAP_NET_ADMIN);
    let permitted = caps::read(None, CapSet::Permitted).map_err(named(CapSet::Permitted))?;
    kept.retain(|capability| permitted.contains(capability));
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for other in caps::all().into_iter().filter(|capability| !kept.contains(capability)) {
            let bounded = caps::has_cap(None, CapSet::Bounding, other).unwrap_or(false);
            if bounded {
                caps::drop(None, CapSet::Bounding, other).map_err(named(CapSet::Bounding))?;
            }
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(named(CapSet::Ambient))?;
    caps::clear(None, CapSet::Inheritable).map_err(named(CapSet::Inheritable))?;
    caps::set(None, CapSet::Effective, &kept).map_err(named(CapSet::Effective))?;
    caps::set(None, CapSet::Permitted, &kept).map_err(named(CapSet::Permitted))?;
    let in_force = caps::read(None, CapSet::Effective).map_err(named(CapSet::Effective))?;
    let names: Vec<String> = in_force.iter().map(ToString::to_string).collect();
    let names = if names.is_empty() { "none".into() } else { names.join(" ") };
    Ok(format!("capabilities: {names}; no new privileges"))
}
