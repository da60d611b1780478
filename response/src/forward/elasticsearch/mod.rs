//! Elasticsearch and OpenSearch by their bulk API: one document for each revision of an incident, in the Elastic Common Schema.
//!
//! Documents are created under `ID:REVISION` (`_id`), so that a repeat finds itself there already (409, which counts as told) and none is
//! ever doubled. Fields after the pages "Bulk index or delete documents" (Elasticsearch 8) and "Bulk" (OpenSearch 2): `create` with `_index` and
//! `_id`, NDJSON that ends with a line end, `errors` and `items[].create.{status,error}` in the answer, which itself is 200.

use std::path::PathBuf;

use fieldwarden_model::{Fault, Section, Timestamp, section::Reader};
use serde_json::{Value, json};

use super::{
    Answered, Destination, ForwardError, Forwarder, Link, Stop, Tell,
    content::{self, Format},
};
use crate::{
    http::{self, Answer, Client},
    store::{Store, Told},
};

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "elasticsearch", configure };

/// Octets a document may have.
const MAX_DOCUMENT: usize = 65_536;
/// The longest name of an index.
const MAX_INDEX: usize = 255;

/// What one `[[forward.elasticsearch]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Where it is.
    pub http: http::Settings,
    /// The index or data stream.
    pub index: String,
    /// An API key, as it is encoded when it is made; sent as `authorization: ApiKey`.
    pub api_key_file: Option<PathBuf>,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"elastic\"");
        let http = http::Settings::read(&mut reader, "https://elastic.example:9200");
        let index = reader.or("index", String::from("fieldwarden-incidents"));
        if !is_index(&index) {
            let help =
                Some("lower case, digits, `-`, `_` and `.`, beginning with none of these marks".into());
            reader.fault_at("index", format!("`{index}` is no name of an index"), help);
        }
        let api_key_file = reader.optional::<String>("api_key_file").map(PathBuf::from);
        let all = (|| Some(Self { name: name?, http: http?, index, api_key_file }))();
        reader.finish_with(all)
    }
}

/// As the page "Create an index" has it, narrower: what needs no escape anywhere.
fn is_index(name: &str) -> bool {
    let is_plain =
        |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"-_.".contains(&octet);
    (1..=MAX_INDEX).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Elasticsearch {
    settings: Settings,
    gateway: String,
}

impl Elasticsearch {
    fn open(&self) -> Result<Bulk, ForwardError> {
        let client = Client::new(&self.settings.http)?;
        let key = self.settings.api_key_file.as_deref().map(http::secret).transpose()?;
        let headers = key.map(|key| vec![("authorization", format!("ApiKey {key}"))]).unwrap_or_default();
        let (index, gateway) = (self.settings.index.clone(), self.gateway.clone());
        Ok(Bulk { client, headers, index, gateway })
    }
}

impl Destination for Elasticsearch {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.settings.http.url
    }

    fn connect(&self, _: &Store, _: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Answered::link(self.open()?))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        let document = content::encode_test(Format::Ecs, &self.gateway, now);
        self.open()?.create(&format!("test:{}", now.nanos()), &document)?;
        Ok(format!("`{}` took a test document into `{}`", self.settings.http.url, self.settings.index))
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let settings = Settings::configure(section)?;
    Ok(Box::new(Elasticsearch { settings, gateway: super::hostname() }))
}

struct Bulk {
    client: Client,
    headers: Vec<(&'static str, String)>,
    index: String,
    gateway: String,
}

impl Bulk {
    fn create(&self, id: &str, document: &str) -> Result<(), ForwardError> {
        let action = json!({"create": {"_index": self.index, "_id": id}});
        let body = format!("{action}\n{document}\n");
        let answer = self.client.post("/_bulk", "application/x-ndjson", &body, &self.headers)?.taken()?;
        judge(answer)
    }
}

/// What became of the document: the answer as a whole is 200 either way.
///
/// # Errors
/// Refused for good, to be tried later, or something that a person has to mend.
pub fn judge(answer: Answer) -> Result<(), ForwardError> {
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if value.get("errors") == Some(&Value::Bool(false)) {
        return Ok(());
    }
    let status = value.pointer("/items/0/create/status").and_then(Value::as_u64);
    match status {
        // It is there already: an earlier try arrived.
        Some(409) => Ok(()),
        Some(400) => Err(answer.refused()),
        Some(429 | 500..=599) => Err(answer.later()),
        _ => Err(answer.fault()),
    }
}

impl Tell for Bulk {
    fn tell(&self, told: &Told) -> Result<(), ForwardError> {
        let document = content::encode(Format::Ecs, told, &self.gateway, MAX_DOCUMENT);
        self.create(&format!("{}:{}", told.incident.id, told.incident.revision), &document)
    }
}
