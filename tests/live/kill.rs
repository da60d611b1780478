//! kill -9 of parent, daemon, enforcer, and of all at once, wherever an order stands: what the kernel holds lapses on time with everything
//! dead, and once they are back kernel, journal, store and `contain list` say the same.

use std::{
    fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::live::{
    PLC1, ROGUE, Said,
    lab::Lab,
    memory::stored_orders,
    product::{Product, Setup, Victim},
    scale_is_full,
};

/// The terms of every order, in seconds.
const KEEP: u64 = 4;
const LAPSE: u64 = 6;
/// By how much the end in the kernel may differ from the term: its rounding, and the time it takes to look.
const EARLY: Duration = Duration::from_millis(1_500);
const LATE: Duration = Duration::from_millis(2_500);
/// Once the product serves again everything agrees; the enforcer looks at the device every five seconds.
const AGREE: Duration = Duration::from_secs(12);
/// How long a word takes from the approver's hands to the daemon, about.
const ON_ITS_WAY: Duration = Duration::from_millis(15);
/// What a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Where an order stands when the programs die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody approved it yet.
    Proposed,
    /// The approver's word is on its way.
    Approved,
    /// The enforcer has written down that it begins.
    Applying,
    /// In force, and not kept.
    Provisional,
    /// The enforcer has written down that it is kept.
    Keeping,
    /// In force until it lapses, in the kernel too.
    Kept,
    /// The enforcer has written down that it ends.
    Lapsing,
}

const STAGES: [Stage; 7] = [
    Stage::Proposed,
    Stage::Approved,
    Stage::Applying,
    Stage::Provisional,
    Stage::Keeping,
    Stage::Kept,
    Stage::Lapsing,
];

/// Who dies; none is all at once.
const VICTIMS: [Option<Victim>; 4] =
    [Some(Victim::Parent), Some(Victim::Daemon), Some(Victim::Enforcer), None];

#[test]
fn wherever_an_order_stands_kill_9_leaves_kernel_journal_store_and_list_in_step() {
    let Some(lab) = Lab::up("livekill") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    product.start(&lab);
    lab.operator(&["start"]);
    lab.wait_for_polls();
    for (row, stage) in STAGES.into_iter().enumerate() {
        for (column, victim) in VICTIMS.into_iter().enumerate() {
            // A quick run has every stage and every victim, and all at once where the kernel holds something.
            let all_at_once = victim.is_none() && matches!(stage, Stage::Provisional | Stage::Kept);
            if scale_is_full() || all_at_once || column == row % VICTIMS.len() {
                one_death(&lab, &mut product, stage, victim);
            }
        }
    }
    the_store_learns_that_the_journal_is_gone(&lab, &mut product);
    let verdict = product.command(&["audit", "verify"]);
    assert_eq!(verdict.status, 0, "{verdict:?}");
    everything_is_released_with_all_dead_and_the_store_gone(&lab, &mut product);
    product.stop();
}

/// An order that the store has in force and nobody else knows of is no longer told as such.
fn the_store_learns_that_the_journal_is_gone(lab: &Lab, product: &mut Product) {
    let order = kept(product);
    product.kill_all();
    fs::remove_file(product.folder.join("enforcer.journal")).unwrap();
    product.spawn(lab);
    product.wait_until_serving();
    let undone = product.wait_for_order(&order, "reverted", AGREE);
    assert!(undone["cause"].as_str().unwrap().contains("knows nothing of it any more"), "{undone}");
    assert_eq!(in_kernel(lab), 0, "what nobody knows to be ordered is given back");
}

fn everything_is_released_with_all_dead_and_the_store_gone(lab: &Lab, product: &mut Product) {
    let order = kept(product);
    assert_eq!(in_kernel(lab), 1);
    product.kill_all();
    fs::remove_file(&product.store).unwrap();
    let mut command = lab.inside("gw", product.folder.join("fieldwarden-enforcer"));
    command.args(["release", "--all", "--config"]).arg(product.folder.join("enforcer.toml"));
    let said = Said::from(command.output().unwrap());
    assert_eq!((said.status, in_kernel(lab)), (0, 0), "{said:?}");
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{beside}", product.store.display()));
    }
    product.spawn(lab);
    product.wait_until_serving();
    assert_eq!(in_kernel(lab), 0, "and nothing of it comes back");
    assert_eq!(product.journal(&order).last(), Some(&("released".into(), false)));
}

/// The id of an order that is kept for long.
fn kept(product: &Product) -> String {
    let order = propose(product, "5", "it is kept");
    product.command(&["contain", "approve", &order, "--json"]).rows();
    product.wait_for_order(&order, "kept", PATIENCE);
    order
}

fn propose(product: &Product, lapse_minutes: &str, why: &str) -> String {
    let target = ["--client", ROGUE, "--server", PLC1, "--port", "502", "--transport", "tcp"];
    let keep = KEEP.to_string();
    let terms = ["--keep-within-seconds", &keep, "--lapse-minutes", lapse_minutes, "--reason", why];
    let said = product.command(&[&["contain", "propose", "--json"], &target[..], &terms].concat());
    said.rows()[0]["order"].as_str().unwrap().to_owned()
}

fn one_death(lab: &Lab, product: &mut Product, stage: Stage, victim: Option<Victim>) {
    let what = format!("{stage:?}, {victim:?}");
    let order = propose(product, "0.1", &what);
    assert_eq!(in_kernel(lab), 0, "{what}: nothing is cut before anybody approved it");
    let begun = Instant::now();
    let approver = bring_to(product, &order, stage);
    let within = begun.elapsed();
    match victim {
        None => product.kill_all(),
        Some(victim) => assert!(product.kill(victim), "{what}: it runs"),
    }
    if let Some(mut approver) = approver {
        approver.wait().unwrap();
    }
    if victim.is_none() {
        let lasted = it_lapses_with_everything_dead(lab, product, &order, (begun, within));
        let term = Duration::from_secs(LAPSE);
        assert!(stage != Stage::Kept || lasted + EARLY > term, "what is kept lasts {term:?}, not {lasted:?}");
    }
    if matches!(victim, None | Some(Victim::Parent)) {
        product.spawn(lab);
    }
    product.wait_until_serving();
    all_agree(lab, product, &what);
    let state = product.order(&order)["state"].as_str().unwrap().to_owned();
    let may_be: &[&str] = match stage {
        Stage::Proposed => &["proposed"],
        Stage::Approved | Stage::Applying => {
            &["proposed", "refused", "provisional", "kept", "reverted", "lapsed"]
        }
        Stage::Provisional => &["provisional", "kept", "reverted", "lapsed"],
        Stage::Keeping | Stage::Kept => &["kept", "lapsed"],
        Stage::Lapsing => &["lapsed"],
    };
    assert!(may_be.contains(&state.as_str()), "{what}: {}", product.order(&order));
    product.command(&["contain", "release", "--all"]);
    all_agree(lab, product, &what);
    assert_eq!(in_kernel(lab), 0, "{what}: released");
}

/// Lets the order come to a stage; the approver, who may still wait for an answer.
fn bring_to(product: &Product, order: &str, stage: Stage) -> Option<Child> {
    let lines = match stage {
        Stage::Proposed => return None,
        Stage::Approved => 0,
        Stage::Applying => 1,
        Stage::Provisional => 2,
        Stage::Keeping | Stage::Kept => 3,
        Stage::Lapsing => 4,
    };
    let approver = product.begins(&["contain", "approve", order]);
    if lines == 0 {
        thread::sleep(ON_ITS_WAY);
    }
    let since = Instant::now();
    while product.journal(order).len() < lines {
        assert!(since.elapsed() < PATIENCE, "{stage:?} is never reached: {:?}", product.journal(order));
        thread::sleep(Duration::from_millis(1));
    }
    if stage == Stage::Kept {
        product.wait_for_order(order, "kept", PATIENCE);
    }
    Some(approver)
}

/// What the kernel holds of the order goes when the last line that the enforcer wrote says, and not before.
fn it_lapses_with_everything_dead(
    lab: &Lab,
    product: &Product,
    order: &str,
    (begun, within): (Instant, Duration),
) -> Duration {
    let lines = product.journal(order);
    let Some((state, is_ending)) = lines.last() else {
        assert_eq!(in_kernel(lab), 0, "it never began");
        return begun.elapsed();
    };
    let term = Duration::from_secs(if state == "kept" { LAPSE } else { KEEP });
    // A line may have been written and the device not told yet: then it holds what the line before said, which ends sooner.
    let sooner = Duration::from_secs(KEEP);
    let is_sure = !is_ending && (state == "provisional" || state == "kept");
    let held = in_kernel(lab);
    if is_sure {
        assert!(held == 1 || begun.elapsed() + EARLY > sooner, "{lines:?}: the kernel goes on cutting");
    }
    while in_kernel(lab) > 0 {
        let lasted = begun.elapsed();
        assert!(lasted < term + within + LATE, "{lines:?}: still cut {lasted:?} after it began");
        thread::sleep(Duration::from_millis(50));
    }
    let lasted = begun.elapsed();
    assert!(!is_sure || held == 0 || lasted + EARLY > sooner, "{lines:?}: given back after {lasted:?}");
    println!("{lines:?}: with everything dead the kernel gave back {lasted:?} after the approver's word");
    lasted
}

/// Store, `contain list`, the enforcer's list and its journal tell the same of every order, and the kernel cuts for those in force alone.
fn all_agree(lab: &Lab, product: &Product, what: &str) {
    let since = Instant::now();
    while let Err(difference) = agreement(lab, product) {
        assert!(since.elapsed() < AGREE, "{what}: after {AGREE:?}: {difference}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn agreement(lab: &Lab, product: &Product) -> Result<(), String> {
    let said = product.enforcer(&["list", "--json"]);
    if said.status != 0 {
        return Err(format!("{said:?}"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed =
        said.rows().into_iter().map(|row| (text(&row["order"]["id"]), text(&row["report"]["state"])));
    let listed: Vec<(String, String)> = listed.collect();
    let believed = product.command(&["contain", "list", "--json"]).rows();
    let believed: Vec<(String, String)> =
        believed.iter().map(|row| (text(&row["order"]), text(&row["state"]))).collect();
    let stored = stored_orders(&product.store);
    if believed != stored {
        return Err(format!("listed is {believed:?}, stored {stored:?}"));
    }
    let never_applied = ["proposed", "refused"];
    for (id, state) in &believed {
        let known = listed.iter().find(|(one, _)| one == id).map(|(_, state)| state);
        let agrees = known == Some(state) || known.is_none() && never_applied.contains(&state.as_str());
        if !agrees {
            return Err(format!("{id} is {state} for the daemon and {known:?} for the enforcer"));
        }
    }
    for (id, state) in &listed {
        if product.journal(id).last() != Some(&(state.clone(), false)) {
            return Err(format!("{id} is {state}, its journal ends with {:?}", product.journal(id).last()));
        }
    }
    let in_force =
        listed.iter().filter(|(_, state)| ["provisional", "kept"].contains(&state.as_str())).count();
    let is_open = |state: &str| ["applying", "stuck", "approved"].contains(&state);
    if listed.iter().chain(&believed).any(|(_, state)| is_open(state)) || in_kernel(lab) != in_force {
        return Err(format!("the kernel cuts {}; {listed:?}; {believed:?}", in_kernel(lab)));
    }
    Ok(())
}

/// How many elements with an end the kernel holds: one for each order of these tests.
fn in_kernel(lab: &Lab) -> usize {
    let listing: Value = serde_json::from_str(&lab.gateway(&["nft", "-j", "list", "sets", "inet"])).unwrap();
    let sets = listing["nftables"].as_array().unwrap().iter().filter_map(|item| item.get("set"));
    let elements =
        sets.filter(|set| set["table"] == "fieldwarden").filter_map(|set| set["elem"].as_array()).flatten();
    elements.filter(|element| element.pointer("/elem/timeout").is_some()).count()
}
