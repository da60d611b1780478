//! `baseline sign` and `baseline verify`: a person vouches for every octet of a baseline.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{Failure, Outcome, load_baseline, write},
    signature::{self, Signer, beside},
};

#[derive(Debug, Args)]
pub(crate) struct SignWords {
    /// The private key, in PEM, as `openssl genpkey -algorithm ed25519` makes one
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The baseline; its signature is written to `FILE.sig` beside it
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyWords {
    /// A public key, in PEM, of somebody who may sign; several may be named
    #[arg(long, value_name = "FILE", required = true)]
    signer: Vec<PathBuf>,
    /// The baseline
    file: PathBuf,
}

/// Signs a baseline that can be read.
pub(crate) fn sign(words: &SignWords) -> Outcome {
    load_baseline(&words.file)?;
    let signature = signature::sign(&octets(&words.file)?, &words.key).map_err(Failure::Input)?;
    let to = beside(&words.file);
    write(&to, &signature)?;
    println!("{}: signed, `{}` is its signature", words.file.display(), to.display());
    Ok(())
}

/// Says who signed a baseline, or fails.
pub(crate) fn verify(words: &VerifyWords) -> Outcome {
    let signers: Result<Vec<Signer>, String> = words.signer.iter().map(|path| Signer::read(path)).collect();
    let signers = signers.map_err(Failure::Input)?;
    let signature = String::from_utf8_lossy(&octets(&beside(&words.file))?).into_owned();
    let refused = |why: String| Failure::Work(format!("`{}`: {why}", words.file.display()));
    let signer = signature::verify(&octets(&words.file)?, &signature, &signers).map_err(refused)?;
    println!("{}: signed by {}, and unchanged since", words.file.display(), signer.name);
    Ok(())
}

fn octets(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|fault| Failure::Input(format!("cannot read `{}`: {fault}", path.display())))
}
