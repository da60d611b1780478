//! What octets mean when a protocol does not say.
//!
//! An S7 client that writes a set-point as bytes moves a REAL or an INT all the same. Judged octet by octet, such a
//! set-point would have four envelopes, none of which says anything: 200.0 and 201.0 differ in their third octet by 200. So two
//! or four octets asked for or written together are taken for one number.

use fieldwarden_model::{Operation, Values, operation::Encoding};

/// Exponents (biased by 127, IEEE 754 binary32) of numbers that occur in plants: from about 1e-9 to 4e9.
const PLAUSIBLE_EXPONENTS: core::ops::RangeInclusive<u32> = 97..=158;

/// The operation with two or four plain octets read as one number: a whole number with sign of 16 bits; a real number
/// of 32 bits where its exponent is one of a plant, else a whole number. `None` where it stays as it is.
pub(crate) fn together<'a>(operation: &Operation<'a>) -> Option<Operation<'a>> {
    let values = operation.values.as_ref().and_then(one_number)?;
    Some(Operation { values: Some(values), ..*operation })
}

fn one_number<'a>(values: &Values<'a>) -> Option<Values<'a>> {
    if values.encoding != Encoding::Unsigned8 || values.stride != 8 {
        return None;
    }
    let encoding = number_of(values.bytes.get(..values.count as usize)?)?;
    Some(Values { bytes: values.bytes, encoding, count: 1, stride: 8 * u16::try_from(values.count).ok()? })
}

/// How two or four octets are read.
pub(crate) fn number_of(octets: &[u8]) -> Option<Encoding> {
    match *octets {
        [_, _] => Some(Encoding::Signed16),
        [a, b, c, d] => {
            let bits = u32::from_be_bytes([a, b, c, d]);
            let is_real = bits == 0 || PLAUSIBLE_EXPONENTS.contains(&(bits >> 23 & 0xff));
            Some(if is_real { Encoding::Float32 } else { Encoding::Signed32 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Value;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Value> {
        let count = u32::try_from(bytes.len()).unwrap();
        let values = Values { bytes, encoding: Encoding::Unsigned8, count, stride: 8 };
        one_number(&values).unwrap_or(values).iter().collect()
    }

    #[test]
    fn a_set_point_written_as_octets_is_one_number() {
        assert_eq!(read(&240.0f32.to_be_bytes()), [Value::Float(240.0)]);
        assert_eq!(read(&(-0.5f32).to_be_bytes()), [Value::Float(-0.5)]);
        assert_eq!(read(&[1, 224]), [Value::Integer(480)]);
        assert_eq!(read(&7u32.to_be_bytes()), [Value::Integer(7)]);
        assert_eq!(read(&[1]), [Value::Integer(1)]);
        assert_eq!(read(&[1, 2, 3]), [Value::Integer(1), Value::Integer(2), Value::Integer(3)]);
    }
}
