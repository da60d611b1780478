//! What stands where in the services (clause 21): context and application tags and what they mean.

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// The object that the service is about.
    Object,
    /// Another object: who tells, who asks.
    Party,
    /// A property of the object.
    Property,
    /// An element of the property.
    Index,
    /// The priority of a command, 1 to 16.
    Priority,
    /// A value of any type: of the property, of a parameter.
    Value,
    /// A number under this key.
    Number(&'static str),
    /// A signed number.
    Signed(&'static str),
    /// A number with a fraction.
    Real(&'static str),
    /// A character string.
    Text(&'static str),
    /// Octets: dates, times, bit strings.
    Octets(&'static str),
    /// More of these within.
    Of(&'static [Field]),
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Tag number.
    pub(super) number: u8,
    /// Whether it is a context tag.
    pub(super) context: bool,
    /// What it means.
    pub(super) is: Is,
}

const fn c(number: u8, is: Is) -> Field {
    Field { number, context: true, is }
}

const fn a(number: u8, is: Is) -> Field {
    Field { number, context: false, is }
}

use Is::{Index, Number, Object, Octets, Of, Party, Priority, Property, Real, Signed, Text, Value};

const NONE: &[Field] = &[];
const TIME_STAMP: &[Field] = &[
    c(0, Octets("time")),
    c(1, Number("event_sequence")),
    c(2, Value),
    a(10, Octets("date")),
    a(11, Octets("time")),
];
const PROPERTY_VALUE: &[Field] = &[c(0, Property), c(1, Index), c(2, Value), c(3, Priority)];
const COV: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Party),
    c(2, Object),
    c(3, Number("time_remaining")),
    c(4, Of(PROPERTY_VALUE)),
];
const EVENT: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Party),
    c(2, Object),
    c(3, Of(TIME_STAMP)),
    c(4, Number("notification_class")),
    c(5, Number("event_priority")),
    c(6, Number("event_type")),
    c(7, Text("message_text")),
    c(8, Number("notify_type")),
    c(9, Number("ack_required")),
    c(10, Number("from_state")),
    c(11, Number("to_state")),
    c(12, Value),
];
const ACKNOWLEDGE: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Object),
    c(2, Number("event_state")),
    c(3, Of(TIME_STAMP)),
    c(4, Text("acknowledged_by")),
    c(5, Of(TIME_STAMP)),
];
const LIST: &[Field] = &[c(0, Object), c(1, Property), c(2, Index), c(3, Value)];
const STREAM: &[Field] = &[a(3, Signed("file_start")), a(2, Number("file_count")), a(6, Octets("file_data"))];
const FILE: &[Field] = &[a(1, Number("end_of_file")), a(12, Object), c(0, Of(STREAM)), c(1, Of(STREAM))];
const FILE_WRITTEN: &[Field] = &[c(0, Signed("file_start")), c(1, Signed("file_start"))];
const CREATE_WHAT: &[Field] = &[c(0, Number("created_type")), c(1, Object)];
const CREATE: &[Field] = &[c(0, Of(CREATE_WHAT)), c(1, Of(PROPERTY_VALUE))];
const PROPERTY: &[Field] = &[c(0, Object), c(1, Property), c(2, Index), c(3, Value), c(4, Priority)];
const PROPERTIES: &[Field] = &[c(0, Property), c(1, Index)];
const READ_MULTIPLE: &[Field] = &[c(0, Object), c(1, Of(PROPERTIES))];
const ERROR: &[Field] = &[a(9, Number("error_numbers"))];
const RESULTS: &[Field] = &[c(2, Property), c(3, Index), c(4, Value), c(5, Of(ERROR))];
const MULTIPLE: &[Field] = &[c(0, Object), c(1, Of(RESULTS))];
const WRITE_MULTIPLE: &[Field] = &[c(0, Object), c(1, Of(PROPERTY_VALUE))];
const FIRST_FAILED: &[Field] = &[c(1, Of(PROPERTY))];
const CONTROL: &[Field] =
    &[c(0, Number("duration_minutes")), c(1, Number("communication")), c(2, Text("password"))];
const PRIVATE: &[Field] = &[c(0, Number("vendor_id")), c(1, Number("service_number")), c(2, Value)];
const MESSAGE_CLASS: &[Field] = &[c(0, Number("message_class")), c(1, Text("message_class_text"))];
const MESSAGE: &[Field] =
    &[c(0, Party), c(1, Of(MESSAGE_CLASS)), c(2, Number("message_priority")), c(3, Text("message_text"))];
const REINITIALIZE: &[Field] = &[c(0, Number("reinitialized_state")), c(1, Text("password"))];
const TERMINAL: &[Field] = &[
    a(9, Number("terminal_class")),
    a(2, Number("terminal_session")),
    a(6, Octets("terminal_data")),
    c(0, Number("all_data_accepted")),
    c(1, Number("accepted_octets")),
];
const RANGE_PART: &[Field] = &[
    a(2, Number("reference_index")),
    a(3, Signed("range_count")),
    a(10, Octets("date")),
    a(11, Octets("time")),
];
const RANGE: &[Field] = &[
    c(0, Object),
    c(1, Property),
    c(2, Index),
    c(3, Of(RANGE_PART)),
    c(6, Of(RANGE_PART)),
    c(7, Of(RANGE_PART)),
];
const RANGE_ACK: &[Field] = &[
    c(0, Object),
    c(1, Property),
    c(2, Index),
    c(3, Octets("result_flags")),
    c(4, Number("item_count")),
    c(5, Value),
    c(6, Number("first_sequence_number")),
];
const LIFE_SAFETY: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Text("acknowledged_by")),
    c(2, Number("life_safety_request")),
    c(3, Object),
];
const SUBSCRIBE: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Object),
    c(2, Number("confirmed_notifications")),
    c(3, Number("lifetime_seconds")),
    c(4, Of(PROPERTIES)),
    c(5, Real("cov_increment")),
];
const EVENT_SUMMARY: &[Field] = &[
    c(0, Object),
    c(1, Number("event_state")),
    c(2, Octets("acknowledged_transitions")),
    c(3, Of(TIME_STAMP)),
    c(4, Number("notify_type")),
    c(5, Octets("event_enable")),
    c(6, Value),
];
const EVENTS: &[Field] = &[c(0, Of(EVENT_SUMMARY)), c(1, Number("more_events"))];
const LAST_EVENT: &[Field] = &[c(0, Object)];
const ALARMS: &[Field] =
    &[a(12, Object), a(9, Number("event_state")), a(8, Octets("acknowledged_transitions"))];
const ENROLLMENTS: &[Field] =
    &[a(12, Object), a(9, Number("event_type_and_state")), a(2, Number("priority_and_class"))];
const COV_REFERENCE: &[Field] =
    &[c(0, Of(PROPERTIES)), c(1, Real("cov_increment")), c(2, Number("timestamped"))];
const COV_OBJECTS: &[Field] = &[c(0, Object), c(1, Of(COV_REFERENCE))];
const SUBSCRIBE_MULTIPLE: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Number("confirmed_notifications")),
    c(2, Number("lifetime_seconds")),
    c(3, Number("notification_delay")),
    c(4, Of(COV_OBJECTS)),
];
const COV_VALUES: &[Field] = &[c(0, Property), c(1, Index), c(2, Value), c(3, Octets("time"))];
const COV_VALUE_OBJECTS: &[Field] = &[c(0, Object), c(1, Of(COV_VALUES))];
const COV_MULTIPLE: &[Field] = &[
    c(0, Number("process_id")),
    c(1, Party),
    c(2, Number("time_remaining")),
    c(3, Of(TIME_STAMP)),
    c(4, Of(COV_VALUE_OBJECTS)),
];
const I_AM: &[Field] = &[a(12, Party), a(2, Number("max_apdu_and_vendor")), a(9, Number("segmentation"))];
const I_HAVE: &[Field] = &[a(12, Party), a(7, Text("object_name"))];
const WHO_IS: &[Field] =
    &[c(0, Number("low_limit")), c(1, Number("high_limit")), c(2, Object), c(3, Text("object_name"))];
const TIME: &[Field] = &[a(10, Octets("date")), a(11, Octets("time"))];
const CHANGES: &[Field] = &[c(0, Number("channel")), c(1, Priority)];
const WRITE_GROUP: &[Field] =
    &[c(0, Number("group")), c(1, Priority), c(2, Of(CHANGES)), c(3, Number("inhibit_delay"))];
const WHO_AM_I: &[Field] =
    &[a(2, Number("vendor_id")), a(7, Text("identity")), a(12, Party), a(6, Octets("mac_address"))];

/// A reference to a property of an object, perhaps of another device (`BACnetDeviceObjectPropertyReference`).
const REFERENCE: &[Field] = &[c(0, Party), c(1, Property), c(2, Index), c(3, Party)];
/// A reference to an object, perhaps of another device (`BACnetDeviceObjectReference`).
const OBJECT_REFERENCE: &[Field] = &[c(0, Party), c(1, Party)];
const SETPOINT: &[Field] = &[c(0, Of(REFERENCE))];
const RECIPIENT: &[Field] = &[c(0, Party), c(1, Value)];
const RECIPIENT_PROCESS: &[Field] = &[c(0, Of(RECIPIENT)), c(1, Number("process_id"))];
const SUBSCRIPTION: &[Field] = &[
    c(0, Of(RECIPIENT_PROCESS)),
    c(1, Of(REFERENCE)),
    c(2, Number("confirmed_notifications")),
    c(3, Number("time_remaining")),
    c(4, Real("cov_increment")),
];

/// The parameters of a confirmed service, as it is asked.
pub(super) const fn confirmed(service: u8) -> &'static [Field] {
    match service {
        0 => ACKNOWLEDGE,
        1 => COV,
        2 => EVENT,
        5 | 28 => SUBSCRIBE,
        6 | 7 => FILE,
        8 | 9 => LIST,
        10 => CREATE,
        11 => ALARMS,
        12 | 15 => PROPERTY,
        14 => READ_MULTIPLE,
        16 => WRITE_MULTIPLE,
        17 => CONTROL,
        18 => PRIVATE,
        19 => MESSAGE,
        20 => REINITIALIZE,
        21..=23 => TERMINAL,
        26 => RANGE,
        27 => LIFE_SAFETY,
        29 => LAST_EVENT,
        30 => SUBSCRIBE_MULTIPLE,
        31 => COV_MULTIPLE,
        _ => NONE,
    }
}

/// The parameters of a confirmed service, as it is answered.
pub(super) const fn acknowledged(service: u8) -> &'static [Field] {
    match service {
        3 | 10 => ALARMS,
        4 => ENROLLMENTS,
        6 => FILE,
        7 => FILE_WRITTEN,
        12 => PROPERTY,
        14 => MULTIPLE,
        18 => PRIVATE,
        21..=23 => TERMINAL,
        26 => RANGE_ACK,
        29 => EVENTS,
        _ => NONE,
    }
}

/// What an error of a service says beside class and code: the first write that failed (21, `WritePropertyMultiple-Error`).
pub(super) const fn failed(service: Option<u8>) -> &'static [Field] {
    match service {
        Some(16) => FIRST_FAILED,
        _ => NONE,
    }
}

/// The parameters of an unconfirmed service.
pub(super) const fn unconfirmed(service: u8) -> &'static [Field] {
    match service {
        0 => I_AM,
        1 => I_HAVE,
        2 => COV,
        3 => EVENT,
        4 => PRIVATE,
        5 => MESSAGE,
        6 | 9 => TIME,
        7 | 8 => WHO_IS,
        10 => WRITE_GROUP,
        11 => COV_MULTIPLE,
        13 | 14 => WHO_AM_I,
        _ => NONE,
    }
}

/// What a value of a property holds besides plain values.
pub(super) const fn of_property(property: u32) -> &'static [Field] {
    match property {
        19 | 54 | 60 | 78 | 132 | 181 => REFERENCE,
        109 => SETPOINT,
        102 => RECIPIENT,
        152 => SUBSCRIPTION,
        159 | 165 | 211 => OBJECT_REFERENCE,
        _ => NONE,
    }
}
