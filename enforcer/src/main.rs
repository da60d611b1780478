//! The program `fieldwarden-enforcer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fieldwarden_enforcer::command::main()
}
