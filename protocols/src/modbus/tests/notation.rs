//! References as people write them.

use alloc::string::String;

use fieldwarden_model::{PointRange, Space};
use proptest::prelude::*;

use crate::{Dissector, modbus::Modbus};

fn write(range: &PointRange) -> String {
    let mut text = String::new();
    Modbus.notation().write(range, &mut text).unwrap();
    text
}

#[test]
fn references_are_what_engineers_write() {
    let of = |area, block, first, last| write(&PointRange { space: Space { area, block }, first, last });
    assert_eq!(of(4, 0, 100, 101), "40101-40102");
    assert_eq!(of(4, 0, 0, 0), "40001");
    assert_eq!(of(4, 0, 9_998, 9_998), "49999");
    assert_eq!(of(4, 0, 9_998, 9_999), "409999-410000");
    assert_eq!(of(4, 0, 0, 65_535), "400001-465536");
    assert_eq!(
        (of(0, 0, 0, 0), of(1, 0, 4, 4), of(3, 0, 9, 9)),
        ("00001".into(), "10005".into(), "30010".into())
    );
    assert_eq!(of(6, 4, 7, 9), "file 4 record 7-9");
    assert_eq!(of(24, 0, 1_246, 1_246), "fifo 41247");
}

#[test]
fn what_is_no_reference_is_refused() {
    for text in
        ["", "4", "40000", "400000", "465537", "20001", "40101-", "40102-40101", "40101-30102", "4+101"]
    {
        assert_eq!(Modbus.notation().read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        area in prop_oneof![Just(0_u16), Just(1), Just(3), Just(4), Just(6), Just(24), any::<u16>()],
        block in prop_oneof![Just(0_u32), any::<u32>()],
        first in prop_oneof![0_u64..70_000, any::<u64>()],
        span in prop_oneof![Just(0_u64), 0_u64..70_000],
    ) {
        let range = PointRange { space: Space { area, block }, first, last: first.saturating_add(span) };
        prop_assert_eq!(Modbus.notation().read(&write(&range)), Some(range));
    }

    #[test]
    fn no_text_breaks_the_reader(text in ".{0,40}") {
        let _ = Modbus.notation().read(&text);
    }
}
