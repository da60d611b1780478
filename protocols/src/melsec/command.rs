//! Commands (MC, chapters 7 to 14; SLMP, chapter 5).

use fieldwarden_model::Verb;

/// Device read in units.
pub(super) const READ: u16 = 0x0401;
/// Device write in units.
pub(super) const WRITE: u16 = 0x1401;
/// Device read at random.
pub(super) const READ_RANDOM: u16 = 0x0403;
/// Device write at random.
pub(super) const WRITE_RANDOM: u16 = 0x1402;
/// Entry of devices to monitor.
pub(super) const ENTER_MONITOR: u16 = 0x0801;
/// Read type name.
pub(super) const TYPE_NAME: u16 = 0x0101;
/// Cyclic data of CC-Link IE Field Basic.
pub(super) const CYCLIC: u16 = 0x0e70;
/// Read of one device range, of MELSOFT.
pub(super) const MELSOFT_READ: u16 = 0x0410;
/// Write of one device range, of MELSOFT.
pub(super) const MELSOFT_WRITE: u16 = 0x1410;

/// Whether a command is one of the manual.
pub(super) fn is_known(command: u16) -> bool {
    describe(command).0 != Verb::Unknown
}

/// Verb and name of a command.
pub(super) const fn describe(command: u16) -> (Verb, &'static str) {
    match command {
        TYPE_NAME => (Verb::Discover, "read type name"),
        READ => (Verb::Read, "device read"),
        WRITE => (Verb::Write, "device write"),
        READ_RANDOM => (Verb::Read, "device read random"),
        WRITE_RANDOM => (Verb::Write, "device write random"),
        0x0406 => (Verb::Read, "device read block"),
        0x1406 => (Verb::Write, "device write block"),
        ENTER_MONITOR => (Verb::Read, "entry monitor device"),
        0x0802 => (Verb::Read, "execute monitor"),
        0x0601 => (Verb::Read, "extended unit read"),
        0x1601 => (Verb::Write, "extended unit write"),
        0x0613 => (Verb::Read, "memory read"),
        0x1613 => (Verb::Write, "memory write"),
        0x0619 => (Verb::Diagnose, "self test"),
        0x041a => (Verb::Read, "label read (array)"),
        0x141a => (Verb::Write, "label write (array)"),
        0x041c => (Verb::Read, "label read random"),
        0x141b => (Verb::Write, "label write random"),
        0x1001 => (Verb::Mode, "remote run"),
        0x1002 => (Verb::Mode, "remote stop"),
        0x1003 => (Verb::Mode, "remote pause"),
        0x1005 => (Verb::Mode, "remote latch clear"),
        0x1006 => (Verb::Mode, "remote reset"),
        0x1617 => (Verb::Operate, "clear error"),
        0x1630 => (Verb::Associate, "remote password unlock"),
        0x1631 => (Verb::Associate, "remote password lock"),
        0x0205..=0x0208 | 0x1202..=0x1207 | 0x1810..=0x182a => (Verb::Transfer, file(command)),
        0x2101 => (Verb::Write, "on demand"),
        0x0630 | 0x0631 | 0x1618..=0x161a => (Verb::Diagnose, "module service"),
        0x0e30 => (Verb::Discover, "node search"),
        0x0e31 => (Verb::Configure, "IP address set"),
        0x0e44 | 0x0e45 => (Verb::Discover, "device information"),
        CYCLIC => (Verb::Write, "cyclic data"),
        MELSOFT_READ => (Verb::Read, "MELSOFT device read"),
        MELSOFT_WRITE => (Verb::Write, "MELSOFT device write"),
        0x0411 => (Verb::Read, "MELSOFT device read random"),
        0x1411 => (Verb::Write, "MELSOFT device write random"),
        _ => (Verb::Unknown, "unknown command"),
    }
}

const fn file(command: u16) -> &'static str {
    match command {
        0x1810 => "read directory",
        0x1811 => "search directory",
        0x1820 => "new file",
        0x1822 => "delete file",
        0x1824 => "copy file",
        0x1825 => "change file attributes",
        0x1826 => "change file date",
        0x1827 => "open file",
        0x1828 => "read file",
        0x1829 => "write file",
        0x182a => "close file",
        _ => "file command",
    }
}
