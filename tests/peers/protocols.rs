//! How each protocol's journal is compared.

use serde_json::{Map, Value};

use crate::journal::Protocol;

/// All of them.
pub(crate) const ALL: &[&Protocol] = &[&BACNET, &CIP, &DNP3, &IEC104, &OPCUA];

fn is(fields: &Map<String, Value>, key: &str, numbers: &[u64]) -> bool {
    fields.get(key).and_then(Value::as_u64).is_some_and(|number| numbers.contains(&number))
}

/// IEC 60870-5-104. U and S frames are the link's own (clauses 5.2, 5.3). Confirmations repeat the command, whose values stand in
/// what was asked.
pub(crate) const IEC104: Protocol = Protocol {
    name: "iec104",
    lines: &["iec104"],
    carries: &["type_id", "cause", "common_address", "object_address"],
    upkeep: |fields| is(fields, "frame_type", &[1, 3]),
    rounds: 10,
};

/// EtherNet/IP and CIP. All that is sent belongs to an operation: sessions and connections are opened and closed by one, too.
pub(crate) const CIP: Protocol = Protocol {
    name: "cip",
    lines: &["enip", "cip"],
    carries: &[
        "command",
        "service",
        "status",
        "extended_status",
        "class",
        "instance",
        "attribute",
        "attribute_status",
        "attribute_data",
        "symbol",
        "member",
        "port",
        "link_address",
        "elements",
        "offset",
        "data_type",
        "values",
        "data",
        "service_count",
        "connection_serial",
        "to_target_id",
        "to_originator_id",
        "vendor",
        "product_name",
    ],
    upkeep: |_| false,
    rounds: 8,
};

/// DNP3. Frames of the link (clause 9) are not told by the master, whose library reads fragments. Of the passwords and handles of
/// files it says nothing.
pub(crate) const DNP3: Protocol = Protocol {
    name: "dnp3",
    lines: &["dnp3"],
    carries: &[
        "function_code",
        "sequence",
        "iin",
        "object",
        "qualifier",
        "points",
        "index",
        "value",
        "flags",
        "time",
        "relative_time",
        "octets",
        "status",
        "control_code",
        "on_time",
        "file_name",
        "file_data",
        "file_block",
        "file_status",
    ],
    upkeep: |fields| fields.contains_key("link_function_code"),
    rounds: 12,
};

/// OPC UA. All is journaled, hello, channels, sessions and publishing too. Of a message in chunks the last one tells the whole
/// (OPC 10000-6, 6.7.2.2). What a session is opened with beyond its names (certificates, nonces) `decode` does not tell.
pub(crate) const OPCUA: Protocol = Protocol {
    name: "opcua",
    lines: &["opcua"],
    carries: &[
        "message_type",
        "request_id",
        "service",
        "service_result",
        "nodes",
        "attributes",
        "values",
        "statuses",
        "item_handles",
        "subscription_id",
        "endpoint",
        "application_uri",
        "session_name",
        "user_token",
        "user_name",
        "clear_password",
        "security_policy",
        "security_mode",
        "new_channel_id",
        "new_token_id",
        "error",
        "reason",
    ],
    upkeep: |fields| fields.get("chunk").is_some_and(|chunk| chunk == "C"),
    rounds: 10,
};

/// BACnet/IP. Of an APDU in segments the last one tells the whole; the segments before it and their acknowledgements are the
/// transport's own (ANSI/ASHRAE 135, 5.2).
pub(crate) const BACNET: Protocol = Protocol {
    name: "bacnet",
    lines: &["bacnet"],
    carries: &[
        "pdu_type",
        "invoke_id",
        "confirmed_service",
        "unconfirmed_service",
        "object_type",
        "object_instance",
        "property",
        "array_index",
        "priority",
        "values",
        "error_class",
        "error_code",
        "error_numbers",
        "reject_reason",
        "abort_reason",
        "process_id",
        "time_remaining",
        "password",
        "object_name",
        "communication",
        "reinitialized_state",
        "date",
        "time",
    ],
    upkeep: |fields| is(fields, "more_segments", &[1]) || is(fields, "pdu_type", &[4]),
    rounds: 12,
};
