//! Functions by number, and what they are by the object that they touch.

use fieldwarden_model::Verb::{self, *};

/// Functions with parameters that are read.
pub(super) const EXPLORE: u16 = 0x04bb;
pub(super) const CREATE_OBJECT: u16 = 0x04ca;
pub(super) const DELETE_OBJECT: u16 = 0x04d4;
pub(super) const SET_VARIABLE: u16 = 0x04f2;
pub(super) const GET_VARIABLE: u16 = 0x04fc;
pub(super) const SET_MULTIPLE: u16 = 0x0542;
pub(super) const GET_MULTIPLE: u16 = 0x054c;
pub(super) const INVOKE: u16 = 0x056b;
pub(super) const SET_STREAMED: u16 = 0x057c;
pub(super) const GET_STREAMED: u16 = 0x0586;

/// The execution unit of the controller, and the attribute that starts and stops it.
pub(super) const EXECUTION_UNIT: u32 = 52;
pub(super) const OPERATING_STATE: u32 = 2_167;
/// The password of a protection level.
pub(super) const LEGITIMATE: u32 = 1_846;
/// The container of sessions, and the session that is none yet.
const SESSIONS: u32 = 285;
/// The program of the controller, and ids of blocks: data blocks 8a0e0000 and up, and others beside them.
const PROGRAM: u32 = 3;
const FIRST_BLOCK: u32 = 0x8a00_0000;
/// Objects that a client makes for itself: subscriptions and the like.
const OWN: core::ops::RangeInclusive<u32> = 0x7000_0000..=0x7fff_ffff;

/// A verb and a name.
pub(super) type Named = (Verb, &'static str);

/// A function by its number alone.
pub(super) const fn named(function: u16) -> Named {
    match function {
        0x04b1 | 0x05a9 => (Diagnose, "error"),
        EXPLORE => (Discover, "explore"),
        CREATE_OBJECT => (Configure, "create object"),
        DELETE_OBJECT => (Configure, "delete object"),
        SET_VARIABLE => (Configure, "set variable"),
        GET_VARIABLE => (Discover, "get variable"),
        0x0506 => (Configure, "add link"),
        0x051a => (Configure, "remove link"),
        0x0524 => (Discover, "get link"),
        SET_MULTIPLE => (Write, "set multiple variables"),
        GET_MULTIPLE => (Read, "get multiple variables"),
        0x0556 => (Program, "begin sequence"),
        0x0560 => (Program, "end sequence"),
        INVOKE => (Configure, "invoke"),
        SET_STREAMED => (Configure, "set variable in substreams"),
        GET_STREAMED => (Discover, "get variable in substreams"),
        0x0590 => (Discover, "get addresses of variables"),
        0x059a => (Diagnose, "abort"),
        0x05b3 => (Associate, "start of encryption"),
        _ => (Unknown, "unknown function"),
    }
}

/// A function by the object that it touches, the session it is in, the attribute, and the number written to it.
pub(super) fn by_object(
    function: u16,
    object: u32,
    session: Option<u32>,
    attribute: Option<u32>,
    number: Option<i64>,
) -> Named {
    let own = session == Some(object) || OWN.contains(&object);
    let program = object == PROGRAM || object >= FIRST_BLOCK;
    match function {
        CREATE_OBJECT if object == SESSIONS => (Associate, "create session"),
        CREATE_OBJECT if own => (Associate, "create subscription"),
        CREATE_OBJECT if program => (Program, "create block"),
        DELETE_OBJECT if session == Some(object) => (Associate, "delete session"),
        DELETE_OBJECT if own => (Associate, "delete subscription"),
        DELETE_OBJECT if program => (Program, "delete block"),
        SET_VARIABLE if (object, attribute) == (EXECUTION_UNIT, Some(OPERATING_STATE)) => match number {
            Some(1) => (Mode, "PLC stop"),
            Some(3) => (Mode, "PLC start"),
            _ => (Mode, "change of the operating state"),
        },
        SET_VARIABLE if attribute == Some(LEGITIMATE) => (Configure, "password"),
        SET_VARIABLE if own => (Associate, "set variable of the session"),
        SET_VARIABLE | SET_STREAMED | 0x0506 | 0x051a if program => (Program, "change of the program"),
        SET_MULTIPLE if own => (Associate, "set variables of the session"),
        SET_MULTIPLE if object != 0 => (Configure, "set variables of an object"),
        EXPLORE if object >= FIRST_BLOCK => (Program, "upload of a block"),
        GET_STREAMED | GET_VARIABLE if object >= FIRST_BLOCK => (Program, "upload of a block"),
        INVOKE if object == EXECUTION_UNIT => (Mode, "invoke of the execution unit"),
        _ => named(function),
    }
}
