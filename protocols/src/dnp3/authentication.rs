//! Objects of secure authentication, group 120 (IEEE 1815 clause 7.5 and annex A.45): who challenges whom, why, by which
//! algorithms. Keys are not told, not even wrapped ones: their lengths are.

use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// Walks the fields of one object. What does not fit its form is told as octets.
pub(super) fn fields(variation: u8, octets: &[u8], visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(octets);
    let mut out = Out { cursor: &mut cursor, visitor };
    let read = match variation {
        1 => out.challenge(),
        2 => out.sequence("challenge_sequence").and_then(|()| out.rest("mac")),
        3 => out.sequence("challenge_sequence"),
        4 => out.u16("user_number"),
        5 => out.key_status(),
        6 => out.sequence("key_sequence").and_then(|()| out.rest_length("wrapped_keys_length")),
        7 => out.error(),
        8 => out.certificate(),
        9 | 15 => out.rest("mac"),
        10 => out.user_change(),
        11 => out.key_change_request(),
        12 => out.sequence("key_sequence").and_then(|()| out.sized("challenge_data")),
        13 => out.key_change(),
        14 => out.rest("signature"),
        _ => None,
    };
    if read.is_none() {
        visitor.item("octets", FieldValue::Bytes(octets));
    }
}

struct Out<'a, 'b> {
    cursor: &'b mut Cursor<'a>,
    visitor: &'b mut dyn FieldVisitor,
}

impl Out<'_, '_> {
    fn u8(&mut self, key: &'static str) -> Option<()> {
        let number = self.cursor.u8()?;
        self.visitor.item(key, FieldValue::Unsigned(number.into()));
        Some(())
    }

    fn u16(&mut self, key: &'static str) -> Option<()> {
        let number = self.cursor.u16_le()?;
        self.visitor.item(key, FieldValue::Unsigned(number.into()));
        Some(())
    }

    fn u32(&mut self, key: &'static str) -> Option<()> {
        let number = self.cursor.u32_le()?;
        self.visitor.item(key, FieldValue::Unsigned(number.into()));
        Some(())
    }

    fn taken(&mut self, key: &'static str, length: u16) -> Option<()> {
        let octets = self.cursor.take(length.into())?;
        self.visitor.item(key, FieldValue::Bytes(octets));
        Some(())
    }

    fn text(&mut self, key: &'static str, octets: &[u8]) {
        let value = core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text);
        self.visitor.item(key, value);
    }

    /// Octets behind their length.
    fn sized(&mut self, key: &'static str) -> Option<()> {
        let length = self.cursor.u16_le()?;
        self.taken(key, length)
    }

    fn rest(&mut self, key: &'static str) -> Option<()> {
        let octets = self.cursor.rest();
        self.visitor.item(key, FieldValue::Bytes(octets));
        Some(())
    }

    fn rest_length(&mut self, key: &'static str) -> Option<()> {
        let length = u64::try_from(self.cursor.remaining()).unwrap_or(u64::MAX);
        self.visitor.item(key, FieldValue::Unsigned(length));
        Some(())
    }

    /// A sequence number, and the user that it counts for.
    fn sequence(&mut self, key: &'static str) -> Option<()> {
        self.u32(key)?;
        self.u16("user_number")
    }

    /// A.45.1: algorithm of the MAC, reason (1: a critical function), random data.
    fn challenge(&mut self) -> Option<()> {
        self.sequence("challenge_sequence")?;
        self.u8("mac_algorithm")?;
        self.u8("challenge_reason")?;
        self.rest("challenge_data")
    }

    /// A.45.5: status 1 means ok, 2 not initialised, 3 the link is down, 4 a failure of authentication.
    fn key_status(&mut self) -> Option<()> {
        self.sequence("key_sequence")?;
        self.u8("key_wrap_algorithm")?;
        self.u8("key_status")?;
        self.u8("mac_algorithm")?;
        self.sized("challenge_data")?;
        self.rest("mac")
    }

    /// A.45.7: code, time, text.
    fn error(&mut self) -> Option<()> {
        self.sequence("error_sequence")?;
        self.u16("association")?;
        self.u8("error_code")?;
        let octets = self.cursor.take(6)?;
        let time = octets.iter().rev().fold(0, |sum: u64, octet| sum << 8 | u64::from(*octet));
        self.visitor.item("time", FieldValue::Unsigned(time));
        let text = self.cursor.rest();
        self.text("error_text", text);
        Some(())
    }

    /// A.45.8.
    fn certificate(&mut self) -> Option<()> {
        self.u8("key_change_method")?;
        self.u8("certificate_type")?;
        self.rest("certificate")
    }

    /// A.45.10: 1 adds a user, 2 deletes one, 3 changes one.
    fn user_change(&mut self) -> Option<()> {
        self.u8("key_change_method")?;
        self.u8("user_operation")?;
        self.u32("status_change_sequence")?;
        self.u16("user_role")?;
        self.u16("role_expiry_days")?;
        let (name, key, certification) =
            (self.cursor.u16_le()?, self.cursor.u16_le()?, self.cursor.u16_le()?);
        let name = self.cursor.take(name.into())?;
        self.text("user_name", name);
        self.visitor.item("public_key_length", FieldValue::Unsigned(key.into()));
        self.cursor.skip(key.into())?;
        self.taken("certification_data", certification)
    }

    /// A.45.11.
    fn key_change_request(&mut self) -> Option<()> {
        self.u8("key_change_method")?;
        let (name, data) = (self.cursor.u16_le()?, self.cursor.u16_le()?);
        let name = self.cursor.take(name.into())?;
        self.text("user_name", name);
        self.taken("challenge_data", data)
    }

    /// A.45.13.
    fn key_change(&mut self) -> Option<()> {
        self.sequence("key_sequence")?;
        let length = self.cursor.u16_le()?;
        self.visitor.item("wrapped_keys_length", FieldValue::Unsigned(length.into()));
        self.cursor.skip(length.into())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::{datagram::testing::Told, talk::hex};

    fn told(variation: u8, octets: &str) -> Vec<(&'static str, alloc::string::String)> {
        let mut told = Told::default();
        fields(variation, &hex(octets), &mut told);
        told.fields
    }

    fn spelled(variation: u8, octets: &str) -> alloc::string::String {
        let pairs = told(variation, octets);
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| alloc::format!("{key}={value}")).collect();
        pairs.join(" ")
    }

    #[test]
    fn who_challenges_whom_and_why_is_told() {
        assert_eq!(
            spelled(1, "01000000 0100 03 01 a1b2c3d4"),
            "challenge_sequence=1 user_number=1 mac_algorithm=3 challenge_reason=1 challenge_data=a1b2c3d4"
        );
        assert_eq!(
            spelled(2, "01000000 0100 00112233445566778899"),
            "challenge_sequence=1 user_number=1 mac=00112233445566778899"
        );
        assert_eq!(spelled(3, "09000000 0100"), "challenge_sequence=9 user_number=1");
        assert_eq!(spelled(4, "0200"), "user_number=2");
        assert_eq!(
            spelled(5, "02000000 0100 01 02 04 0400 a1b2c3d4 ff"),
            "key_sequence=2 user_number=1 key_wrap_algorithm=1 key_status=2 mac_algorithm=4 challenge_data=a1b2c3d4 mac=ff"
        );
        assert_eq!(
            spelled(7, "03000000 0100 0000 02 e80300000000 6261642075736572"),
            "error_sequence=3 user_number=1 association=0 error_code=2 time=1000 error_text=bad user"
        );
    }

    #[test]
    fn users_are_told_and_keys_are_not() {
        assert_eq!(
            spelled(10, "03 01 07000000 0200 1e00 0300 0400 0200 626f62 deadbeef cafe"),
            "key_change_method=3 user_operation=1 status_change_sequence=7 user_role=2 role_expiry_days=30 user_name=bob \
             public_key_length=4 certification_data=cafe"
        );
        assert_eq!(
            spelled(6, "02000000 0100 deadbeefdeadbeef"),
            "key_sequence=2 user_number=1 wrapped_keys_length=8"
        );
        assert_eq!(
            spelled(13, "02000000 0100 0400 deadbeef"),
            "key_sequence=2 user_number=1 wrapped_keys_length=4"
        );
        assert_eq!(
            spelled(11, "03 0300 0200 626f62 cafe"),
            "key_change_method=3 user_name=bob challenge_data=cafe"
        );
        assert_eq!(spelled(99, "0102"), "octets=0102");
        assert_eq!(spelled(3, "0900"), "octets=0900");
    }
}
