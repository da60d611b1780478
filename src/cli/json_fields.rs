//! The fields of a message as a JSON object, in the order of the wire.

use std::fmt::Write as _;

use fieldwarden_protocols::{FieldValue, FieldVisitor};

/// Collects fields; a key told more than once, or told as an item, becomes a list.
#[derive(Debug, Default)]
pub(crate) struct JsonFields {
    fields: Vec<(&'static str, Shape, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    List,
}

impl JsonFields {
    /// Forgets the fields of the message before.
    pub(crate) fn clear(&mut self) {
        self.fields.clear();
    }

    /// Appends the object to `line`.
    pub(crate) fn write(&self, line: &mut String) {
        line.push('{');
        for (n, (key, shape, text)) in self.fields.iter().enumerate() {
            if n > 0 {
                line.push(',');
            }
            let (open, close) = if *shape == Shape::List { ("[", "]") } else { ("", "") };
            // Writing to a String cannot fail.
            let _ = write!(line, "\"{key}\":{open}{text}{close}");
        }
        line.push('}');
    }

    /// The fields as `key value` pairs for people.
    pub(crate) fn write_plain(&self, line: &mut String) {
        for (key, _, text) in &self.fields {
            let _ = write!(line, " {key}={text}");
        }
    }

    fn add(&mut self, key: &'static str, shape: Shape, value: FieldValue<'_>) {
        if let Some((_, known, text)) = self.fields.iter_mut().find(|(name, ..)| *name == key) {
            *known = Shape::List;
            text.push(',');
            push_value(text, value);
            return;
        }
        let mut text = String::new();
        push_value(&mut text, value);
        self.fields.push((key, shape, text));
    }
}

impl FieldVisitor for JsonFields {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.add(key, Shape::One, value);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.add(key, Shape::List, value);
    }
}

fn push_value(text: &mut String, value: FieldValue<'_>) {
    let _ = match value {
        FieldValue::Unsigned(number) => write!(text, "{number}"),
        FieldValue::Signed(number) => write!(text, "{number}"),
        FieldValue::Float(number) if number.is_finite() => write!(text, "{number}"),
        FieldValue::Float(number) => write!(text, "\"{number}\""),
        FieldValue::Text(words) => write!(text, "{}", serde_json::Value::from(words)),
        FieldValue::Bytes(bytes) => {
            text.push('"');
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('"');
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_become_lists_and_octets_hexadecimal() {
        let mut fields = JsonFields::default();
        fields.field("unit", FieldValue::Unsigned(1));
        fields.item("register_values", FieldValue::Unsigned(7));
        fields.item("register_values", FieldValue::Unsigned(9));
        fields.field("data", FieldValue::Bytes(&[0, 255]));
        fields.field("name", FieldValue::Text("a\"b\n"));
        let mut line = String::new();
        fields.write(&mut line);
        assert_eq!(line, r#"{"unit":1,"register_values":[7,9],"data":"00ff","name":"a\"b\n"}"#);
    }
}
