//! The services of V3: by component ("group") and number, as `codesys3.lua` and Kaspersky's study name them.

use fieldwarden_model::Verb;

/// A service and what it does.
type Entry = (u16, Verb, &'static str);

/// CmpDevice.
const DEVICE: [Entry; 11] = [
    (0x01, Verb::Discover, "identify device"),
    (0x02, Verb::Associate, "log in to device"),
    (0x03, Verb::Associate, "log out of device"),
    (0x04, Verb::Mode, "reset origin"),
    (0x05, Verb::Diagnose, "echo"),
    (0x06, Verb::Mode, "set operating mode"),
    (0x07, Verb::Diagnose, "read operating mode"),
    (0x08, Verb::Associate, "interactive login"),
    (0x09, Verb::Configure, "rename node"),
    (0x0a, Verb::Associate, "create session"),
    (0x0b, Verb::Discover, "read what a reset would clear"),
];

/// CmpApp.
const APPLICATION: [Entry; 39] = [
    (0x01, Verb::Associate, "log in to application"),
    (0x02, Verb::Associate, "log out of application"),
    (0x03, Verb::Program, "create application"),
    (0x04, Verb::Program, "delete application"),
    (0x05, Verb::Program, "download"),
    (0x06, Verb::Program, "online change"),
    (0x07, Verb::Program, "download device"),
    (0x08, Verb::Program, "create device application"),
    (0x10, Verb::Mode, "start"),
    (0x11, Verb::Mode, "stop"),
    (0x12, Verb::Mode, "reset"),
    (0x13, Verb::Program, "set breakpoint"),
    (0x14, Verb::Diagnose, "read status"),
    (0x15, Verb::Program, "delete breakpoint"),
    (0x16, Verb::Diagnose, "read call stack"),
    (0x17, Verb::Diagnose, "read area offset"),
    (0x18, Verb::Discover, "list applications"),
    (0x19, Verb::Program, "set next statement"),
    (0x20, Verb::Write, "release forced variables"),
    (0x21, Verb::Read, "read forced variables"),
    (0x22, Verb::Mode, "single cycle"),
    (0x23, Verb::Program, "create boot project"),
    (0x24, Verb::Mode, "initialise application"),
    (0x25, Verb::Diagnose, "read application states"),
    (0x26, Verb::Program, "load boot application"),
    (0x27, Verb::Program, "register boot application"),
    (0x28, Verb::Diagnose, "check files"),
    (0x29, Verb::Discover, "read application information"),
    (0x30, Verb::Program, "compact download"),
    (0x31, Verb::Discover, "read project information"),
    (0x32, Verb::Diagnose, "define flow"),
    (0x33, Verb::Diagnose, "read flow"),
    (0x34, Verb::Program, "encrypted download"),
    (0x35, Verb::Program, "read application"),
    (0x36, Verb::Configure, "save retained variables"),
    (0x37, Verb::Write, "restore retained variables"),
    (0x38, Verb::Diagnose, "read area address"),
    (0x39, Verb::Program, "leave execution points"),
    (0x40, Verb::Program, "claim execution points"),
];

/// CmpIecVarAccess.
const VARIABLES: [Entry; 11] = [
    (0x01, Verb::Read, "register variables"),
    (0x02, Verb::Read, "unregister variables"),
    (0x03, Verb::Read, "read variables"),
    (0x04, Verb::Write, "write variables"),
    (0x05, Verb::Read, "read variables"),
    (0x06, Verb::Write, "write variables"),
    (0x07, Verb::Discover, "browse variables"),
    (0x08, Verb::Discover, "browse variables"),
    (0x09, Verb::Discover, "browse types"),
    (0x0a, Verb::Discover, "read address information"),
    (0x0b, Verb::Read, "remove variables from list"),
];

/// What a service of a group does.
pub(super) fn of(group: u16, service: u16) -> (Verb, &'static str) {
    let in_table =
        |table: &[Entry]| table.iter().find(|entry| entry.0 == service).map(|entry| (entry.1, entry.2));
    let known = match group {
        0x01 => in_table(&DEVICE),
        0x02 => in_table(&APPLICATION),
        0x09 => in_table(&VARIABLES),
        0x03 | 0x1b => match service {
            1 => Some((Verb::Read, "monitor variables")),
            2 => Some((Verb::Write, "write variables")),
            _ => None,
        },
        0x05 => Some((Verb::Diagnose, "read log")),
        0x06 => Some((Verb::Configure, "settings")),
        0x07 => Some((Verb::Configure, "network settings")),
        0x08 => Some((Verb::Transfer, file(service))),
        0x0c => Some((Verb::Configure, "manage users")),
        0x0f => Some((Verb::Diagnose, "trace")),
        0x11 => Some((Verb::Configure, "shell command")),
        0x12 => Some((Verb::Program, "breakpoints")),
        0x13 => Some((Verb::Write, "force variables")),
        0x18 => Some((Verb::Diagnose, "alarms")),
        0x1f => Some((Verb::Diagnose, "core dump")),
        0x22 => Some((Verb::Configure, "certificates")),
        _ => None,
    };
    known.unwrap_or((Verb::Unknown, "unknown service"))
}

/// The services of CmpFileTransfer: 2 to 4 towards the controller, 5 to 7 away from it.
const fn file(service: u16) -> &'static str {
    match service {
        0x02..=0x04 => "download file",
        0x05..=0x07 => "upload file",
        0x0e => "delete file",
        0x0f => "rename file",
        0x10..=0x12 => "change folder",
        _ => "file",
    }
}
