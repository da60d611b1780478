//! `fieldwarden`: the command line and the wiring of the daemon. No judgement lives here.
#![forbid(unsafe_code)]

mod cli;
mod daemon;
mod evidence;
mod operator;
mod signature;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
