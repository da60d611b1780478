//! Certificates in clear, RFC 5246 clause 7.4.2: the names in the first one (RFC 5280 clause 4.1).

use crate::{
    FieldVisitor,
    ber::{self, Element, universal},
    cursor::Cursor,
    plain::words,
};

/// 2.5.4.3, the common name (RFC 5280 appendix A.1).
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];

/// Tells the common names of subject and issuer.
pub(super) fn fields(content: &[u8], visitor: &mut dyn FieldVisitor) {
    let Some(certificate) = first(content) else { return };
    let Some(signed) = certificate.inside().next() else { return };
    // Serial number, algorithm, issuer, validity, subject, behind an explicit version.
    let mut parts = signed.inside().filter(|part| !part.tag.is_context(0)).skip(2);
    let issuer = parts.next();
    let subject = parts.nth(1);
    for (key, names) in [("certificate_subject", subject), ("certificate_issuer", issuer)] {
        if let Some(name) = names.and_then(common_name) {
            visitor.field(key, words(name));
        }
    }
}

fn first(content: &[u8]) -> Option<Element<'_>> {
    let mut cursor = Cursor::new(content);
    cursor.skip(3)?;
    let length = usize::try_from(cursor.u24()?).ok()?;
    ber::element(&mut Cursor::new(cursor.take(length)?))
}

fn common_name(names: Element<'_>) -> Option<&[u8]> {
    names.inside().flat_map(|set| set.inside()).find_map(|pair| {
        let mut parts = pair.inside();
        let kind = parts.next().filter(|kind| kind.tag.is_universal(universal::OBJECT_IDENTIFIER))?;
        (kind.content == COMMON_NAME).then(|| parts.next().map(|value| value.content))?
    })
}
