//! `run`: the parent with its two children, or, as the parent starts it, the daemon itself.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::Context as _;
use clap::Args;

use super::{Failure, Outcome, load};
use crate::daemon::{
    WORDS_OR_FILE_WRONG,
    approved::approved,
    operate::{self, NoCapture},
    parent,
};

/// The account the daemon runs under where it exists and none is named.
const ACCOUNT: &str = "fieldwarden";

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The daemon's configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/fieldwarden/fieldwarden.toml")]
    config: PathBuf,
    /// The enforcer's configuration [default: `enforcer.toml` beside the daemon's, where it exists]
    #[arg(long, value_name = "FILE")]
    enforcer_config: Option<PathBuf>,
    /// The account the daemon runs under [default: `fieldwarden`, where it exists]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Print every alert as it is found, the lines `replay --json` prints
    #[arg(long)]
    json: bool,
    /// Be the daemon; the parent says so
    #[arg(long, hide = true)]
    as_daemon: bool,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("no handler for signals")?;
    }
    if words.as_daemon {
        let settings = load::configuration(&words.config)?;
        let baseline = approved(&settings.baseline)?;
        // An interface that is not there at the first start is a wrong word of the configuration. At a restart the parent
        // tries again: it may come back.
        return operate::run(settings, baseline, words.json, stop).map_err(|fault| {
            if fault.is::<NoCapture>() { Failure::Input(fault.to_string()) } else { fault.into() }
        });
    }
    let outcome = parent::run(&plan(words)?, &stop);
    outcome.map_err(|fault| match fault.to_string() {
        told if told == WORDS_OR_FILE_WRONG => Failure::Input(told),
        _ => fault.into(),
    })
}

fn plan(words: &Words) -> Result<parent::Plan, Failure> {
    let beside = words.config.with_file_name("enforcer.toml");
    let enforcer_config = words.enforcer_config.clone().or_else(|| beside.exists().then_some(beside));
    let is_root = rustix::process::geteuid().is_root();
    let account = match &words.user {
        Some(name) => {
            Some(account(name)?.ok_or_else(|| Failure::Input(format!("there is no account `{name}`")))?)
        }
        None if is_root => account(ACCOUNT)?,
        None => None,
    };
    if is_root && account.is_none() {
        eprintln!(
            "fieldwarden: there is no account `{ACCOUNT}`, so the daemon, which parses hostile bytes, runs as root\n\n\
             hint: `useradd --system {ACCOUNT}`, or name another account with --user"
        );
    }
    let daemon_words = if words.json { vec!["--json".to_owned()] } else { Vec::new() };
    Ok(parent::Plan { config: words.config.clone(), enforcer_config, account, daemon_words })
}

/// Uid and gid of an account, from `/etc/passwd` (passwd(5)).
fn account(name: &str) -> Result<Option<(u32, u32)>, Failure> {
    let accounts = std::fs::read_to_string("/etc/passwd").context("`/etc/passwd` cannot be read")?;
    Ok(accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    }))
}
