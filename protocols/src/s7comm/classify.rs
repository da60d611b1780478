//! Functions: their numbers in operations, their verbs and names.
//!
//! A job's number is its function code; a program invocation service stands above it as `service << 16 | 28`. A
//! userdata function is `(group << 8 | subfunction) << 16`, and a mode report `mode << 16 | 1`.

use fieldwarden_model::Verb;

/// What a message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Number as operations carry it.
    pub(super) number: u32,
    /// Neutral verb.
    pub(super) verb: Verb,
    /// Name in an engineer's words.
    pub(super) name: &'static str,
}

pub(super) const SETUP: u8 = 0xf0;
pub(super) const READ: u8 = 0x04;
pub(super) const WRITE: u8 = 0x05;
pub(super) const REQUEST_DOWNLOAD: u8 = 0x1a;
pub(super) const DOWNLOAD_BLOCK: u8 = 0x1b;
pub(super) const DOWNLOAD_ENDED: u8 = 0x1c;
pub(super) const START_UPLOAD: u8 = 0x1d;
pub(super) const UPLOAD: u8 = 0x1e;
pub(super) const END_UPLOAD: u8 = 0x1f;
pub(super) const SERVICE: u8 = 0x28;
pub(super) const STOP: u8 = 0x29;

pub(super) const GROUP_PROGRAMMER: u8 = 1;
pub(super) const GROUP_CYCLIC: u8 = 2;
pub(super) const GROUP_BLOCK: u8 = 3;
pub(super) const GROUP_CPU: u8 = 4;
pub(super) const GROUP_SECURITY: u8 = 5;
pub(super) const GROUP_PBC: u8 = 6;
pub(super) const GROUP_TIME: u8 = 7;
pub(super) const GROUP_NC: u8 = 15;

/// The function of a job or its answer.
pub(super) fn job(code: u8) -> Function {
    let (verb, name) = match code {
        READ => (Verb::Read, "read variable"),
        WRITE => (Verb::Write, "write variable"),
        REQUEST_DOWNLOAD => (Verb::Program, "request download"),
        DOWNLOAD_BLOCK => (Verb::Program, "download block"),
        DOWNLOAD_ENDED => (Verb::Program, "download ended"),
        START_UPLOAD => (Verb::Program, "start upload"),
        UPLOAD => (Verb::Program, "upload"),
        END_UPLOAD => (Verb::Program, "end upload"),
        SERVICE => (Verb::Program, "program invocation service"),
        STOP => (Verb::Mode, "PLC stop"),
        SETUP => (Verb::Associate, "setup communication"),
        _ => (Verb::Unknown, "unknown function"),
    };
    Function { number: code.into(), verb, name }
}

/// The function of a program invocation service, by its name and argument.
pub(super) fn service(name: &[u8], argument: &[u8]) -> Function {
    let (service, verb, name): (u32, _, _) = match name {
        b"P_PROGRAM" if argument.first() == Some(&b'C') => (2, Verb::Mode, "PLC start (cold restart)"),
        b"P_PROGRAM" => (1, Verb::Mode, "PLC start (warm restart)"),
        b"_INSE" => (3, Verb::Program, "activate blocks"),
        b"_INS2" => (4, Verb::Program, "activate blocks (second form)"),
        b"_DELE" => (5, Verb::Program, "delete blocks"),
        b"_GARB" => (6, Verb::Program, "compress memory"),
        b"_MODU" => (7, Verb::Program, "copy RAM to ROM"),
        b"_RSTP" => (8, Verb::Program, "reset to stored program"),
        b"_N_LOGIN_" => (16, Verb::Configure, "NC log in"),
        b"_N_LOGOUT" => (17, Verb::Configure, "NC log out"),
        _ if name.starts_with(b"_N_") => (18, Verb::Program, "NC program service"),
        _ => (0, Verb::Program, "program invocation service"),
    };
    Function { number: service << 16 | u32::from(SERVICE), verb, name }
}

/// The function of a report that the controller's mode changed.
pub(super) fn mode_report(mode: u8) -> Function {
    let name = match mode {
        0 => "CPU mode changed to STOP",
        1 => "CPU mode changed to warm restart",
        2 => "CPU mode changed to RUN",
        3 => "CPU mode changed to hot restart",
        4 => "CPU mode changed to HOLD",
        6 => "CPU mode changed to cold restart",
        9 => "CPU mode changed to RUN, redundant",
        11 => "CPU mode changed to LINK-UP",
        12 => "CPU mode changed to UPDATE",
        _ => "CPU mode changed",
    };
    Function { number: u32::from(mode) << 16 | 1, verb: Verb::Mode, name }
}

/// The function of userdata.
pub(super) fn userdata(group: u8, subfunction: u8) -> Function {
    let (verb, name) = match group {
        GROUP_PROGRAMMER => programmer(subfunction),
        GROUP_CYCLIC => cyclic(subfunction),
        GROUP_BLOCK => match subfunction {
            1 => (Verb::Discover, "list blocks"),
            2 => (Verb::Discover, "list blocks of a type"),
            3 => (Verb::Discover, "block information"),
            _ => (Verb::Discover, "block function"),
        },
        GROUP_CPU => cpu(subfunction),
        GROUP_SECURITY => match subfunction {
            1 => (Verb::Configure, "PLC password"),
            2 => (Verb::Configure, "end of password"),
            _ => (Verb::Configure, "security function"),
        },
        GROUP_PBC => (Verb::Transfer, "block send"),
        GROUP_TIME => match subfunction {
            1 | 3 => (Verb::Time, "read clock"),
            2 | 4 => (Verb::Time, "set clock"),
            _ => (Verb::Time, "clock function"),
        },
        GROUP_NC => (Verb::Program, "NC program transfer"),
        _ => (Verb::Unknown, "unknown userdata function"),
    };
    let number = (u32::from(group) << 8 | u32::from(subfunction)) << 16;
    Function { number, verb, name }
}

const fn programmer(subfunction: u8) -> (Verb, &'static str) {
    match subfunction {
        0x01 | 0x13 => (Verb::Diagnose, "block status"),
        0x02 => (Verb::Diagnose, "variable status"),
        0x03 => (Verb::Diagnose, "read interrupt stack"),
        0x04 => (Verb::Diagnose, "read block stack"),
        0x05 => (Verb::Diagnose, "read local data stack"),
        0x06 => (Verb::Diagnose, "measure time"),
        0x07 => (Verb::Diagnose, "select forced variables"),
        0x08 => (Verb::Write, "modify variable"),
        0x09 => (Verb::Write, "force variable"),
        0x0a => (Verb::Mode, "set breakpoint"),
        0x0b => (Verb::Mode, "leave HOLD"),
        0x0c => (Verb::Mode, "memory reset"),
        0x0d => (Verb::Diagnose, "disable programmer job"),
        0x0e => (Verb::Diagnose, "enable programmer job"),
        0x0f => (Verb::Diagnose, "delete programmer job"),
        0x10 => (Verb::Diagnose, "read programmer job list"),
        0x11 => (Verb::Diagnose, "read programmer job"),
        0x12 => (Verb::Diagnose, "replace programmer job"),
        0x16 => (Verb::Diagnose, "flash LED"),
        _ => (Verb::Diagnose, "programmer command"),
    }
}

const fn cyclic(subfunction: u8) -> (Verb, &'static str) {
    match subfunction {
        0x01 => (Verb::Read, "cyclic data"),
        0x04 => (Verb::Read, "end of cyclic data"),
        0x05 => (Verb::Read, "change-driven data"),
        0x07 => (Verb::Read, "change-driven data, modified"),
        0x08 => (Verb::Read, "read data record"),
        _ => (Verb::Read, "cyclic function"),
    }
}

const fn cpu(subfunction: u8) -> (Verb, &'static str) {
    match subfunction {
        0x01 => (Verb::Discover, "read system status list"),
        0x02 => (Verb::Diagnose, "subscribe to messages"),
        0x03 => (Verb::Diagnose, "diagnostic message"),
        0x05 => (Verb::Diagnose, "ALARM_8 message"),
        0x06 => (Verb::Diagnose, "NOTIFY message"),
        0x07 => (Verb::Configure, "lock alarms"),
        0x08 => (Verb::Configure, "unlock alarms"),
        0x09 => (Verb::Diagnose, "SCAN message"),
        0x0b => (Verb::Operate, "acknowledge alarm"),
        0x0c => (Verb::Diagnose, "alarm was acknowledged"),
        0x0d => (Verb::Diagnose, "alarm was locked"),
        0x0e => (Verb::Diagnose, "alarm was unlocked"),
        0x11 => (Verb::Diagnose, "ALARM_SQ message"),
        0x12 => (Verb::Diagnose, "ALARM_S message"),
        0x13 => (Verb::Diagnose, "query alarms"),
        0x16 => (Verb::Diagnose, "NOTIFY_8 message"),
        _ => (Verb::Diagnose, "CPU function"),
    }
}
