//! Every type of IEC 60870-5-101 clause 7.2.1.1 and IEC 60870-5-104 clause 6: name, verb, element.

use fieldwarden_model::Verb;

use super::value::Form;

/// A type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    /// Type identification.
    pub(super) number: u8,
    /// The standard's short name.
    pub(super) label: &'static str,
    /// The standard's words.
    pub(super) name: &'static str,
    /// The same for a command that only selects; else the name.
    pub(super) select: &'static str,
    /// What it does.
    pub(super) verb: Verb,
    /// Octets of an element, the time included; `None` where they vary.
    pub(super) length: Option<u8>,
    /// What stands at the front of the element.
    pub(super) form: Form,
    /// Octets of the time at its end: 0, 2, 3 or 7.
    pub(super) time: u8,
}

/// The type with this number.
pub(super) fn find(number: u8) -> Option<&'static Type> {
    let at = TYPES.binary_search_by_key(&number, |kind| kind.number).ok()?;
    TYPES.get(at)
}

const fn told(number: u8, label: &'static str, name: &'static str, form: Form, length: u8, time: u8) -> Type {
    Type { number, label, name, select: name, verb: Verb::Read, length: Some(length + time), form, time }
}

const fn command(
    number: u8,
    label: &'static str,
    names: [&'static str; 2],
    form: Form,
    length: u8,
    time: u8,
) -> Type {
    let [name, select] = names;
    Type { number, label, name, select, verb: Verb::Operate, length: Some(length + time), form, time }
}

const fn other(
    number: u8,
    label: &'static str,
    name: &'static str,
    verb: Verb,
    form: Form,
    length: u8,
) -> Type {
    Type { number, label, name, select: name, verb, length: Some(length), form, time: 0 }
}

const fn open(number: u8, label: &'static str, name: &'static str, verb: Verb, form: Form) -> Type {
    Type { number, label, name, select: name, verb, length: None, form, time: 0 }
}

const SINGLE: [&str; 2] = ["single command", "single command, select"];
const DOUBLE: [&str; 2] = ["double command", "double command, select"];
const STEP: [&str; 2] = ["regulating step command", "regulating step command, select"];
const NORMALIZED: [&str; 2] = ["set-point command, normalized", "set-point command, normalized, select"];
const SCALED: [&str; 2] = ["set-point command, scaled", "set-point command, scaled, select"];
const FLOAT: [&str; 2] =
    ["set-point command, short floating point", "set-point command, short floating point, select"];
const BITS: [&str; 2] = ["bitstring command", "bitstring command"];

static TYPES: [Type; 81] = [
    told(1, "M_SP_NA_1", "single-point information", Form::Single, 1, 0),
    told(2, "M_SP_TA_1", "single-point information", Form::Single, 1, 3),
    told(3, "M_DP_NA_1", "double-point information", Form::Double, 1, 0),
    told(4, "M_DP_TA_1", "double-point information", Form::Double, 1, 3),
    told(5, "M_ST_NA_1", "step position information", Form::Step, 2, 0),
    told(6, "M_ST_TA_1", "step position information", Form::Step, 2, 3),
    told(7, "M_BO_NA_1", "bitstring of 32 bit", Form::Bits, 5, 0),
    told(8, "M_BO_TA_1", "bitstring of 32 bit", Form::Bits, 5, 3),
    told(9, "M_ME_NA_1", "measured value, normalized", Form::Short, 3, 0),
    told(10, "M_ME_TA_1", "measured value, normalized", Form::Short, 3, 3),
    told(11, "M_ME_NB_1", "measured value, scaled", Form::Short, 3, 0),
    told(12, "M_ME_TB_1", "measured value, scaled", Form::Short, 3, 3),
    told(13, "M_ME_NC_1", "measured value, short floating point", Form::Float, 5, 0),
    told(14, "M_ME_TC_1", "measured value, short floating point", Form::Float, 5, 3),
    told(15, "M_IT_NA_1", "integrated totals", Form::Counter, 5, 0),
    told(16, "M_IT_TA_1", "integrated totals", Form::Counter, 5, 3),
    told(17, "M_EP_TA_1", "event of protection equipment", Form::Protection, 3, 3),
    told(18, "M_EP_TB_1", "packed start events of protection equipment", Form::Packed, 4, 3),
    told(19, "M_EP_TC_1", "packed output circuit information", Form::Packed, 4, 3),
    told(20, "M_PS_NA_1", "packed single-point information", Form::Bits, 5, 0),
    told(21, "M_ME_ND_1", "measured value, normalized, without quality", Form::Bare, 2, 0),
    told(30, "M_SP_TB_1", "single-point information", Form::Single, 1, 7),
    told(31, "M_DP_TB_1", "double-point information", Form::Double, 1, 7),
    told(32, "M_ST_TB_1", "step position information", Form::Step, 2, 7),
    told(33, "M_BO_TB_1", "bitstring of 32 bit", Form::Bits, 5, 7),
    told(34, "M_ME_TD_1", "measured value, normalized", Form::Short, 3, 7),
    told(35, "M_ME_TE_1", "measured value, scaled", Form::Short, 3, 7),
    told(36, "M_ME_TF_1", "measured value, short floating point", Form::Float, 5, 7),
    told(37, "M_IT_TB_1", "integrated totals", Form::Counter, 5, 7),
    told(38, "M_EP_TD_1", "event of protection equipment", Form::Protection, 3, 7),
    told(39, "M_EP_TE_1", "packed start events of protection equipment", Form::Packed, 4, 7),
    told(40, "M_EP_TF_1", "packed output circuit information", Form::Packed, 4, 7),
    open(41, "S_IT_TC_1", "integrated totals of security statistics", Verb::Read, Form::Octets),
    command(45, "C_SC_NA_1", SINGLE, Form::SingleCommand, 1, 0),
    command(46, "C_DC_NA_1", DOUBLE, Form::DoubleCommand, 1, 0),
    command(47, "C_RC_NA_1", STEP, Form::DoubleCommand, 1, 0),
    command(48, "C_SE_NA_1", NORMALIZED, Form::ShortCommand, 3, 0),
    command(49, "C_SE_NB_1", SCALED, Form::ShortCommand, 3, 0),
    command(50, "C_SE_NC_1", FLOAT, Form::FloatCommand, 5, 0),
    command(51, "C_BO_NA_1", BITS, Form::BitsCommand, 4, 0),
    command(58, "C_SC_TA_1", SINGLE, Form::SingleCommand, 1, 7),
    command(59, "C_DC_TA_1", DOUBLE, Form::DoubleCommand, 1, 7),
    command(60, "C_RC_TA_1", STEP, Form::DoubleCommand, 1, 7),
    command(61, "C_SE_TA_1", NORMALIZED, Form::ShortCommand, 3, 7),
    command(62, "C_SE_TB_1", SCALED, Form::ShortCommand, 3, 7),
    command(63, "C_SE_TC_1", FLOAT, Form::FloatCommand, 5, 7),
    command(64, "C_BO_TA_1", BITS, Form::BitsCommand, 4, 7),
    other(70, "M_EI_NA_1", "end of initialization", Verb::Mode, Form::Qualifier, 1),
    open(81, "S_CH_NA_1", "authentication challenge", Verb::Associate, Form::Octets),
    open(82, "S_RP_NA_1", "authentication reply", Verb::Associate, Form::Octets),
    open(83, "S_AR_NA_1", "aggressive mode authentication request", Verb::Associate, Form::Octets),
    open(84, "S_KR_NA_1", "session key status request", Verb::Associate, Form::Octets),
    open(85, "S_KS_NA_1", "session key status", Verb::Associate, Form::Octets),
    open(86, "S_KC_NA_1", "session key change", Verb::Associate, Form::Octets),
    open(87, "S_ER_NA_1", "authentication error", Verb::Associate, Form::Octets),
    open(90, "S_US_NA_1", "user status change", Verb::Configure, Form::Octets),
    open(91, "S_UQ_NA_1", "update key change request", Verb::Configure, Form::Octets),
    open(92, "S_UR_NA_1", "update key change reply", Verb::Configure, Form::Octets),
    open(93, "S_UK_NA_1", "update key change, symmetric", Verb::Configure, Form::Octets),
    open(94, "S_UA_NA_1", "update key change, asymmetric", Verb::Configure, Form::Octets),
    open(95, "S_UC_NA_1", "update key change confirmation", Verb::Configure, Form::Octets),
    other(100, "C_IC_NA_1", "interrogation command", Verb::Read, Form::Qualifier, 1),
    other(101, "C_CI_NA_1", "counter interrogation command", Verb::Read, Form::Qualifier, 1),
    other(102, "C_RD_NA_1", "read command", Verb::Read, Form::Nothing, 0),
    Type {
        time: 7,
        ..other(103, "C_CS_NA_1", "clock synchronization command", Verb::Time, Form::Nothing, 7)
    },
    other(104, "C_TS_NA_1", "test command", Verb::Diagnose, Form::Octets, 2),
    other(105, "C_RP_NA_1", "reset process command", Verb::Mode, Form::Qualifier, 1),
    Type { time: 2, ..other(106, "C_CD_NA_1", "delay acquisition command", Verb::Time, Form::Nothing, 2) },
    Type { time: 7, ..other(107, "C_TS_TA_1", "test command", Verb::Diagnose, Form::Octets, 9) },
    other(
        110,
        "P_ME_NA_1",
        "parameter of measured value, normalized",
        Verb::Configure,
        Form::ShortParameter,
        3,
    ),
    other(111, "P_ME_NB_1", "parameter of measured value, scaled", Verb::Configure, Form::ShortParameter, 3),
    other(
        112,
        "P_ME_NC_1",
        "parameter of measured value, short floating point",
        Verb::Configure,
        Form::FloatParameter,
        5,
    ),
    other(113, "P_AC_NA_1", "parameter activation", Verb::Configure, Form::Qualifier, 1),
    other(120, "F_FR_NA_1", "file ready", Verb::Transfer, Form::File, 6),
    other(121, "F_SR_NA_1", "section ready", Verb::Transfer, Form::File, 7),
    other(122, "F_SC_NA_1", "call or select file", Verb::Transfer, Form::File, 4),
    other(123, "F_LS_NA_1", "last section or segment", Verb::Transfer, Form::File, 5),
    other(124, "F_AF_NA_1", "acknowledge file or section", Verb::Transfer, Form::File, 4),
    open(125, "F_SG_NA_1", "segment", Verb::Transfer, Form::File),
    Type { time: 7, ..other(126, "F_DR_TA_1", "directory", Verb::Transfer, Form::File, 13) },
    other(127, "F_SC_NB_1", "query log", Verb::Transfer, Form::File, 16),
];
