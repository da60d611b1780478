//! An HTTPS webhook: one request for each revision of an incident, signed.
//!
//! # Guarantee
//!
//! Every revision is posted at least once and, repeats aside, in order; it counts as told when the other side answered 2xx. A time-out or a
//! connection that ended before the answer is repeated under the same `idempotency-key`. What the other side refuses for good (400, 413, 422 and
//! the like) becomes a dead letter with its words, so that it does not hold up what follows.

use std::{
    fmt::Write as _,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use fieldwarden_model::{Fault, Section, Timestamp, section::Reader};

use super::{
    Answered, Destination, ForwardError, Forwarder, Link, Stop, Tell,
    content::{self, Format},
};
use crate::{
    http::{self, Client},
    store::{Store, Told},
};

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "webhook", configure };

/// What one `[[forward.webhook]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Where it is.
    pub http: http::Settings,
    /// What stands in a body; one of the forms in JSON.
    pub format: Format,
    /// Octets a body may have.
    pub max_body_bytes: usize,
    /// With what bodies are signed.
    pub secret_file: Option<PathBuf>,
    /// What we are known by, sent as `authorization: Bearer`.
    pub token_file: Option<PathBuf>,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"soar\"");
        let http = http::Settings::read(&mut reader, "https://soar.example/hooks/fieldwarden");
        let format = content::json_form(&mut reader, "a webhook");
        let most = reader.within("max_body_bytes", 2_048..=1_048_576, 65_536);
        let secret_file = reader.optional::<String>("secret_file").map(PathBuf::from);
        let token_file = reader.optional::<String>("token_file").map(PathBuf::from);
        let all = (|| {
            Some(Self {
                name: name?,
                http: http?,
                format: format?,
                max_body_bytes: usize::try_from(most).unwrap_or(65_536),
                secret_file,
                token_file,
            })
        })();
        reader.finish_with(all)
    }
}

/// A webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    settings: Settings,
    gateway: String,
}

impl Webhook {
    /// The webhook that `settings` describe.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, gateway: super::hostname() }
    }

    fn open(&self) -> Result<Poster, ForwardError> {
        let client = Client::new(&self.settings.http)?;
        let read = |file: &Option<PathBuf>| file.as_deref().map(http::secret).transpose();
        let secret = read(&self.settings.secret_file)?;
        let token = read(&self.settings.token_file)?;
        let (settings, gateway) = (self.settings.clone(), self.gateway.clone());
        Ok(Poster { settings, gateway, client, secret, token })
    }
}

impl Destination for Webhook {
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
        let body = content::encode_test(self.settings.format, &self.gateway, now);
        let answer = self.open()?.post(&body, &format!("test:{}", now.nanos()))?;
        Ok(format!("`{}` took the test message: it answered {}", self.settings.http.url, answer.status))
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    Settings::configure(section).map(|settings| Box::new(Webhook::new(settings)) as Box<dyn Destination>)
}

struct Poster {
    settings: Settings,
    gateway: String,
    client: Client,
    secret: Option<String>,
    token: Option<String>,
}

impl Poster {
    fn post(&self, body: &str, key: &str) -> Result<http::Answer, ForwardError> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut headers =
            vec![("idempotency-key", key.to_owned()), ("x-fieldwarden-timestamp", seconds.to_string())];
        if let Some(secret) = &self.secret {
            headers.push(("x-fieldwarden-signature", signature(secret, seconds, body)));
        }
        if let Some(token) = &self.token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        self.client.post("", "application/json", body, &headers)?.taken()
    }
}

impl Tell for Poster {
    fn tell(&self, told: &Told) -> Result<(), ForwardError> {
        let body = content::encode(self.settings.format, told, &self.gateway, self.settings.max_body_bytes);
        // A header holds no more than printable characters.
        let id: String = told.incident.id.0.chars().filter(char::is_ascii_graphic).take(128).collect();
        self.post(&body, &format!("{id}:{}", told.incident.revision)).map(drop)
    }
}

/// HMAC-SHA256 (RFC 2104) of the time, a dot and the body: `sha256=` and 64 hexadecimal digits. With the time inside, a request that somebody kept
/// is old when he sends it again.
fn signature(secret: &str, seconds: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    tag.as_ref().iter().fold(String::from("sha256="), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let expected = "sha256=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        assert_eq!(signature("secret", 1_700_000_000, "{\"a\":1}"), expected);
    }
}
