//! The baseline that people approved: where signers are named, only what one of them signed.
//!
//! A baseline that was changed after it was signed is refused, and the last good one, of which the daemon keeps a copy with its
//! signature, is judged by instead. That, too, must bear a signature: whoever can change one file may change the other. Where both are
//! spoiled, sensing goes on without a baseline, and says so.

use core::fmt;
use std::{fs::File, io::Read as _, path::Path};

use fieldwarden_config::MAX_FILE_OCTETS;
use fieldwarden_engine::Baseline;

use super::settings::BaselineSettings;
use crate::{
    cli::{Failure, baseline_text, load_baseline, write},
    signature::{Signer, beside, verify},
};

/// What is judged by, and what people must know of it.
pub(crate) struct Approved {
    pub(crate) baseline: Option<Baseline>,
    /// Why it is not the one that was named.
    pub(crate) trouble: Option<String>,
}

/// Reads what was approved.
pub(crate) fn approved(settings: &BaselineSettings) -> Result<Approved, Failure> {
    let Some(file) = settings.file.as_deref() else { return Ok(Approved { baseline: None, trouble: None }) };
    if settings.signers.is_empty() {
        return Ok(Approved { baseline: Some(load_baseline(file)?), trouble: None });
    }
    let signers = settings.signers.iter().map(|path| Signer::read(path)).collect::<Result<Vec<_>, _>>();
    let signers = signers.map_err(Failure::Input)?;
    let refused = match signed(file, &signers) {
        Ok((text, signature)) => {
            let baseline = baseline_text(file, &text)?;
            let kept = settings.last_good.as_deref().map(|last| keep(last, &text, &signature));
            let trouble =
                kept.and_then(Result::err).map(|fault| format!("no copy of the baseline is kept: {fault}"));
            return Ok(Approved { baseline: Some(baseline), trouble });
        }
        Err(why) => format!("`{}` is refused: {why}", file.display()),
    };
    Ok(match last_good(settings, &signers) {
        Ok((last, text)) => Approved {
            baseline: Some(baseline_text(last, &text)?),
            trouble: Some(format!("{refused}; judged by the last good one, `{}`", last.display())),
        },
        // Whoever spoils a file must not switch the sensor off with it.
        Err(why) => Approved {
            baseline: None,
            trouble: Some(format!(
                "{refused}; {why}: only those detectors judge that need no baseline, until one of the signers looks at it and says `fieldwarden baseline sign`"
            )),
        },
    })
}

/// The last good baseline, where there is one that still bears its signature.
fn last_good<'a>(settings: &'a BaselineSettings, signers: &[Signer]) -> Result<(&'a Path, String), String> {
    let last = settings.last_good.as_deref().ok_or("no `last_good` is kept")?;
    match signed(last, signers) {
        Ok((text, _)) => Ok((last, text)),
        Err(why) => Err(format!("and so is the last good one, `{}`: {why}", last.display())),
    }
}

/// The text of a file and its signature, which is right. The text is read once, so that nobody changes it after it was verified.
fn signed(file: &Path, signers: &[Signer]) -> Result<(String, String), String> {
    let read = |path: &Path| {
        let fault = |fault: &dyn fmt::Display| format!("`{}`: {fault}", path.display());
        let mut octets = Vec::new();
        let opened = File::open(path).map_err(|cause| fault(&cause))?;
        opened.take(MAX_FILE_OCTETS).read_to_end(&mut octets).map_err(|cause| fault(&cause))?;
        String::from_utf8(octets).map_err(|cause| fault(&cause))
    };
    let (text, signature) = (read(file)?, read(&beside(file))?);
    verify(text.as_bytes(), &signature, signers)?;
    Ok((text, signature))
}

fn keep(last: &Path, text: &str, signature: &str) -> Result<(), String> {
    // The signature last: a copy without one is refused, not believed.
    write(last, text).and_then(|()| write(&beside(last), signature)).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::signature::sign;

    const BASELINE: &str = "mode = \"production\"\n\n[[talker]]\naddress = \"10.0.0.5\"\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    struct Desk {
        folder: tempfile::TempDir,
        settings: BaselineSettings,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| -> PathBuf { folder.path().join(name) };
            std::fs::write(at("maria.key"), PRIVATE).unwrap();
            std::fs::write(at("maria.pem"), PUBLIC).unwrap();
            std::fs::write(at("baseline.toml"), BASELINE).unwrap();
            let settings = BaselineSettings {
                file: Some(at("baseline.toml")),
                draft: None,
                signers: vec![at("maria.pem")],
                last_good: Some(at("last-good.toml")),
            };
            Self { folder, settings }
        }

        fn sign(&self) {
            let file = self.settings.file.as_deref().unwrap();
            let text = std::fs::read(file).unwrap();
            let signature = sign(&text, &self.folder.path().join("maria.key")).unwrap();
            std::fs::write(beside(file), signature).unwrap();
        }

        fn tamper(&self, name: &str) {
            let file = self.folder.path().join(name);
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, text.replace("10.0.0.5", "10.0.0.66")).unwrap();
        }
    }

    #[test]
    fn what_a_signer_signed_is_judged_by() {
        let desk = Desk::new();
        desk.sign();
        let approved = approved(&desk.settings).unwrap();
        assert_eq!(approved.baseline.unwrap().talkers.len(), 1);
        assert_eq!(approved.trouble, None);
    }

    #[test]
    fn a_tampered_baseline_is_refused_and_the_last_good_one_stays() {
        let desk = Desk::new();
        desk.sign();
        approved(&desk.settings).unwrap();
        desk.tamper("baseline.toml");
        let approved = approved(&desk.settings).unwrap();
        let talkers = approved.baseline.unwrap().talkers;
        assert_eq!(talkers.first().map(|known| known.talker.to_string()).as_deref(), Some("10.0.0.5"));
        let trouble = approved.trouble.unwrap();
        assert!(trouble.contains("it was changed after maria signed it"), "{trouble}");
    }

    #[test]
    fn with_no_good_one_left_sensing_goes_on_and_says_so() {
        let desk = Desk::new();
        let unsigned = approved(&desk.settings).unwrap();
        let trouble = unsigned.trouble.unwrap();
        assert!(unsigned.baseline.is_none(), "what nobody signed is not judged by");
        assert!(trouble.contains("is refused") && trouble.contains("baseline sign"), "{trouble}");
        desk.sign();
        approved(&desk.settings).unwrap();
        desk.tamper("baseline.toml");
        desk.tamper("last-good.toml");
        let both = approved(&desk.settings).unwrap();
        assert!(both.baseline.is_none());
        assert!(both.trouble.unwrap().contains("last-good.toml"));
    }

    #[test]
    fn without_signers_nothing_is_asked() {
        let mut desk = Desk::new();
        desk.settings.signers.clear();
        assert!(approved(&desk.settings).unwrap().baseline.is_some());
    }
}
