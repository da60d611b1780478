//! `[[forward.mqtt]]`.

use std::path::PathBuf;

use fieldwarden_model::{Fault, Section, section::Reader};

use crate::forward::content::{self, Format};
pub use crate::forward::wire::Endpoint;

/// The longest topic and client identifier, octets.
const MAX_TOPIC: usize = 255;

/// What one `[[forward.mqtt]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Where the broker is.
    pub endpoint: Endpoint,
    /// What messages are published on.
    pub topic: String,
    /// Who we are to the broker, which lets one client of a name in; made of the machine's name and the destination's where absent.
    pub client_id: Option<String>,
    /// A name, and the file of its password, where a certificate does not do.
    pub user: Option<(String, PathBuf)>,
    /// Whether a message that nobody subscribes to was told.
    pub require_subscriber: bool,
    /// What stands in a message; one of the forms in JSON.
    pub format: Format,
    /// Octets a message may have, without its topic and properties; less where the broker takes less.
    pub max_message_bytes: usize,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"broker\"");
        let endpoint = Endpoint::read(&mut reader, 8883);
        let topic = reader.or("topic", String::from("fieldwarden/incidents"));
        if let Err(why) = odd(&topic) {
            reader.fault_at("topic", why, Some("write words between slashes: `ot/incidents`".into()));
        }
        let client_id = reader.optional::<String>("client_id");
        let is_id =
            |id: &str| !id.is_empty() && id.len() <= MAX_TOPIC && id.bytes().all(|o| o.is_ascii_graphic());
        if client_id.as_deref().is_some_and(|id| !is_id(id)) {
            reader.fault_at("client_id", "is empty, too long, or not of printable characters".into(), None);
        }
        let user = reader.optional::<String>("user");
        let password = reader.optional::<String>("password_file").map(PathBuf::from);
        if user.is_some() != password.is_some() {
            let key = if user.is_some() { "user" } else { "password_file" };
            reader.fault_at(key, "`user` and `password_file` go together".into(), None);
        }
        if user.as_deref().is_some_and(|user| user.len() > MAX_TOPIC) {
            reader.fault_at("user", format!("has more than {MAX_TOPIC} octets"), None);
        }
        let require_subscriber = reader.or("require_subscriber", true);
        let format = content::json_form(&mut reader, "a bus");
        let most = reader.within("max_message_bytes", 2_048..=1_048_576, 65_536);
        let all = (|| {
            Some(Self {
                name: name?,
                endpoint: endpoint?,
                topic,
                client_id,
                user: user.zip(password),
                require_subscriber,
                format: format?,
                max_message_bytes: usize::try_from(most).unwrap_or(65_536),
            })
        })();
        reader.finish_with(all)
    }
}

/// Why a topic is none to publish on (MQTT 5 section 4.7).
fn odd(topic: &str) -> Result<(), String> {
    match topic {
        "" => Err("is empty".into()),
        _ if topic.len() > MAX_TOPIC => Err(format!("has more than {MAX_TOPIC} octets")),
        _ if topic.contains(['#', '+']) => Err(format!("`{topic}` holds a wildcard")),
        _ if topic.chars().any(char::is_control) => Err("holds a control character".into()),
        _ if topic.starts_with('$') => Err(format!("`{topic}` is the broker's own")),
        _ => Ok(()),
    }
}
