//! Whose network card it is, by the registries of the IEEE (MA-L, MA-M, MA-S), as `lab/make-vendors` lays them down.
//!
//! A look-up searches the text itself, which is sorted: nothing is parsed when the program starts, and only the pages that are
//! looked at take memory.

use fieldwarden_model::Mac;

/// Lines of `PREFIX NAME`, sorted; prefixes of six, seven and nine hexadecimal digits.
static VENDORS: &str = include_str!("vendors.txt");

/// Digits of a prefix, longest first: the longer one is the finer assignment.
const DIGITS: [usize; 3] = [9, 7, 6];

/// The organisation to which the address was assigned; none for addresses that software made up (locally administered), groups,
/// the address of nobody, and prefixes that are assigned to nobody in public.
#[must_use]
pub fn vendor_of(mac: Mac) -> Option<&'static str> {
    if mac == Mac::default() || mac.0.first().is_none_or(|first| first & 0b11 != 0) {
        return None;
    }
    let text: String = mac.0.iter().map(|octet| format!("{octet:02x}")).collect();
    DIGITS.into_iter().find_map(|digits| named(text.get(..digits)?))
}

/// The name in the line that begins with this prefix and a blank.
fn named(prefix: &str) -> Option<&'static str> {
    let (mut low, mut high) = (0, VENDORS.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = VENDORS.get(low..middle)?.rfind('\n').map_or(low, |at| low + at + 1);
        let end = VENDORS.get(start..)?.find('\n').map_or(VENDORS.len(), |at| start + at);
        let (own, name) = VENDORS.get(start..end)?.split_once(' ')?;
        match own.cmp(prefix) {
            core::cmp::Ordering::Equal => return Some(name),
            core::cmp::Ordering::Less => low = end + 1,
            core::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(text: &str) -> Option<&'static str> {
        vendor_of(text.parse().unwrap())
    }

    #[test]
    fn every_line_is_found_and_what_nobody_has_is_not() {
        assert!(VENDORS.is_ascii());
        let lines: Vec<&str> = VENDORS.lines().collect();
        assert!(lines.len() > 30_000 && lines.is_sorted());
        for line in lines {
            let (prefix, name) = line.split_once(' ').unwrap();
            assert_eq!(named(prefix), Some(name), "{line}");
        }
        assert_eq!((named("000000000"), named("zzzzzz"), named("")), (None, None, None));
    }

    #[test]
    fn the_finer_assignment_is_taken_and_made_up_addresses_have_no_vendor() {
        assert_eq!(vendor("00:1b:1b:0a:ff:02"), Some("Siemens"));
        assert_eq!(vendor("70:b3:d5:71:90:01"), Some("2M Technology"));
        assert_eq!(vendor("02:42:ac:11:00:02"), None);
        assert_eq!(vendor("ff:ff:ff:ff:ff:ff"), None);
    }
}
