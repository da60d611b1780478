//! `[[forward.nats]]`.

use std::path::PathBuf;

use fieldwarden_model::{Fault, Section, section::Reader};

use crate::forward::content::{self, Format};
pub use crate::forward::wire::Endpoint;

/// The longest subject, octets.
const MAX_SUBJECT: usize = 255;

/// How the server knows us, beside a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// By the certificate, or not at all.
    None,
    /// By a name and a password, which stands in the file.
    Password(String, PathBuf),
    /// By a token, which stands in the file.
    Token(PathBuf),
    /// By an nkey, whose seed stands in the file.
    Nkey(PathBuf),
    /// By a token that is signed and the key it names: a `.creds` file.
    Credentials(PathBuf),
}

/// What one `[[forward.nats]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Where the server is.
    pub endpoint: Endpoint,
    /// What messages are about.
    pub subject: String,
    /// The stream that has to take them; whichever does where absent.
    pub stream: Option<String>,
    /// What answers to us are about: the first part of it.
    pub inbox: String,
    /// How the server knows us.
    pub credentials: Credentials,
    /// What stands in a message; one of the forms in JSON.
    pub format: Format,
    /// Octets a message may have, without its headers.
    pub max_message_bytes: usize,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"bus\"");
        let endpoint = Endpoint::read(&mut reader, 4222);
        let subject = reader.or("subject", String::from("fieldwarden.incidents"));
        if let Err(why) = odd(&subject) {
            reader.fault_at("subject", why, Some("write words between dots: `ot.incidents`".into()));
        }
        let stream = reader.optional::<String>("stream");
        if stream.as_deref().is_some_and(|name| odd(name).is_err() || name.contains('.')) {
            reader.fault_at("stream", "is no name of a stream".into(), None);
        }
        let inbox = reader.or("inbox", String::from("_INBOX"));
        if let Err(why) = odd(&inbox) {
            reader.fault_at("inbox", why, Some("write what this user may subscribe to: `_INBOX`".into()));
        }
        let credentials = credentials(&mut reader);
        let format = content::json_form(&mut reader, "a bus");
        let most = reader.within("max_message_bytes", 2_048..=1_048_576, 65_536);
        let all = (|| {
            Some(Self {
                name: name?,
                endpoint: endpoint?,
                subject,
                stream,
                inbox,
                credentials,
                format: format?,
                max_message_bytes: usize::try_from(most).unwrap_or(65_536),
            })
        })();
        reader.finish_with(all)
    }
}

/// Why a subject is none to publish on (page "Subject-Based Messaging").
fn odd(subject: &str) -> Result<(), String> {
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'*' | b'>');
    match subject {
        _ if subject.len() > MAX_SUBJECT => Err(format!("has more than {MAX_SUBJECT} characters")),
        _ if subject.split('.').any(str::is_empty) => Err(format!("`{subject}` has an empty part")),
        _ if !subject.bytes().all(is_plain) => {
            Err(format!("`{subject}` holds a blank, a wildcard or something beyond ASCII"))
        }
        _ if subject.starts_with('$') => Err(format!("`{subject}` is the server's own")),
        _ => Ok(()),
    }
}

fn credentials(reader: &mut Reader<'_>) -> Credentials {
    let user = reader.optional::<String>("user");
    let password = reader.optional::<String>("password_file").map(PathBuf::from);
    let others = [
        ("token_file", Credentials::Token as fn(PathBuf) -> Credentials),
        ("nkey_file", Credentials::Nkey),
        ("credentials_file", Credentials::Credentials),
    ];
    if user.is_some() != password.is_some() {
        let key = if user.is_some() { "user" } else { "password_file" };
        reader.fault_at(key, "`user` and `password_file` go together".into(), None);
    }
    let mut known = user.zip(password).map(|(user, file)| Credentials::Password(user, file));
    for (key, make) in others {
        let Some(file) = reader.optional::<String>(key).map(PathBuf::from) else { continue };
        if known.is_some() {
            let help =
                Some("keep one of `password_file`, `token_file`, `nkey_file`, `credentials_file`".into());
            reader.fault_at(key, "the server is to know us in two ways".into(), help);
        }
        known = Some(make(file));
    }
    known.unwrap_or(Credentials::None)
}
