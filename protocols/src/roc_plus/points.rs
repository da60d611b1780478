//! Where a request reads or writes: parameters of points, locations of configurable opcode tables.

use fieldwarden_model::{PointRange, Space};

use super::opcode;

/// The area of configurable opcode tables; below it are the point types.
pub(super) const TABLES: u16 = 256;

/// Parameters of one point.
fn parameters(kind: u8, logical: u8, first: u8, count: u8) -> Option<PointRange> {
    let space = Space { area: kind.into(), block: logical.into() };
    range(space, first, count)
}

fn range(space: Space, first: u8, count: u8) -> Option<PointRange> {
    let last = u64::from(first) + u64::from(count.checked_sub(1)?);
    Some(PointRange { space, first: first.into(), last })
}

/// Calls `each` with what a request touches; `None` stands for more that cannot be told from it.
pub(super) fn of(function: u8, data: &[u8], each: &mut dyn FnMut(Option<PointRange>)) {
    match (function, data) {
        (opcode::READ_TABLE | opcode::WRITE_TABLE, [table, first, count, ..]) => {
            each(range(Space { area: TABLES, block: (*table).into() }, *first, *count));
        }
        (opcode::READ_POINT | opcode::WRITE_POINT, [kind, logical, count, first, ..]) => {
            each(parameters(*kind, *logical, *first, *count));
        }
        (opcode::READ_PARAMETERS, [count, list @ ..])
            if list.len() / 3 >= usize::from(*count) && *count > 0 =>
        {
            for triple in list.chunks_exact(3).take((*count).into()) {
                if let [kind, logical, parameter] = triple {
                    each(parameters(*kind, *logical, *parameter, 1));
                }
            }
        }
        // How long a value is only the device knows: all after the first stands behind it.
        (opcode::WRITE_PARAMETERS, [count, kind, logical, parameter, ..]) => {
            each(parameters(*kind, *logical, *parameter, 1));
            if *count != 1 {
                each(None);
            }
        }
        _ => each(None),
    }
}
