//! What a service says: nodes, values, statuses and parameters, walked in the order of the wire.

use crate::Cursor;

use super::{
    binary::{
        self, NodeId, Value, array, data_value, diagnostic, extension, node_id, qualified, string, variant,
    },
    notation::EXECUTABLE,
    service,
};

/// One thing that a service says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said<'a> {
    /// An attribute of a node is touched.
    Node(NodeId<'a>, u32),
    /// A value, of the node before it or of the n-th that was asked for.
    Value(Value<'a>),
    /// The value of a monitored item, and its status.
    Item(u32, Value<'a>, u32),
    /// What the method before it returned.
    Returned(Value<'a>),
    /// What became of the n-th thing that was asked for.
    Status(u32),
    Number(&'static str, u64),
    Text(&'static str, &'a [u8]),
}

/// Takes what is said.
pub(super) type Each<'e, 'a> = &'e mut dyn FnMut(Said<'a>);

/// The result in the header of an answer, where `body` begins behind the type.
pub(super) fn result(body: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(body);
    cursor.skip(12)?;
    cursor.u32_le()
}

/// Walks the parameters; `None` where they end early.
pub(super) fn walk<'a>(request: u32, answer: bool, body: &'a [u8], each: Each<'_, 'a>) -> Option<()> {
    let mut cursor = Cursor::new(body);
    if answer {
        response_header(&mut cursor)?;
        answered(request, &mut cursor, each)
    } else {
        request_header(&mut cursor)?;
        asked(request, &mut cursor, each)
    }
}

/// Part 4, 7.33.
fn request_header(cursor: &mut Cursor<'_>) -> Option<()> {
    node_id(cursor)?;
    cursor.skip(16)?;
    string(cursor)?;
    cursor.skip(4)?;
    extension(cursor).map(|_| ())
}

/// Part 4, 7.34.
fn response_header(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.skip(16)?;
    diagnostic(cursor)?;
    array(cursor, &mut |cursor| string(cursor).map(|_| ()))?;
    extension(cursor).map(|_| ())
}

fn asked<'a>(request: u32, cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    match request {
        service::OPEN_CHANNEL => {
            cursor.skip(4)?;
            each(Said::Number("request_type", cursor.u32_le()?.into()));
            each(Said::Number("security_mode", cursor.u32_le()?.into()));
            string(cursor)?;
            each(Said::Number("lifetime_ms", cursor.u32_le()?.into()));
        }
        service::GET_ENDPOINTS => each(Said::Text("endpoint", string(cursor)?)),
        service::CREATE_SESSION => create_session(cursor, each)?,
        service::ACTIVATE_SESSION => activate_session(cursor, each)?,
        service::READ => {
            cursor.skip(12)?;
            array(cursor, &mut |cursor| read_value_id(cursor, each))?;
        }
        service::WRITE => {
            array(cursor, &mut |cursor| {
                each(Said::Node(node_id(cursor)?, cursor.u32_le()?));
                string(cursor)?;
                each(Said::Value(data_value(cursor)?.0));
                Some(())
            })?;
        }
        service::CALL => {
            array(cursor, &mut |cursor| {
                node_id(cursor)?;
                each(Said::Node(node_id(cursor)?, EXECUTABLE));
                array(cursor, &mut |cursor| {
                    each(Said::Value(variant(cursor)?));
                    Some(())
                })
                .map(|_| ())
            })?;
        }
        service::CREATE_ITEMS => create_items(cursor, each)?,
        _ => asked_of_nodes(request, cursor, each)?,
    }
    Some(())
}

/// Services that name nodes alone.
fn asked_of_nodes<'a>(request: u32, cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    match request {
        service::BROWSE => {
            node_id(cursor)?;
            cursor.skip(16)?;
            array(cursor, &mut |cursor| {
                each(Said::Node(node_id(cursor)?, 1));
                cursor.skip(4)?;
                node_id(cursor)?;
                cursor.skip(9)
            })?;
        }
        service::REGISTER_NODES | service::UNREGISTER_NODES => {
            array(cursor, &mut |cursor| {
                each(Said::Node(node_id(cursor)?, 1));
                Some(())
            })?;
        }
        service::DELETE_NODES => {
            array(cursor, &mut |cursor| {
                each(Said::Node(node_id(cursor)?, 1));
                cursor.skip(1)
            })?;
        }
        _ => {}
    }
    Some(())
}

fn answered<'a>(request: u32, cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    match request {
        service::OPEN_CHANNEL => {
            cursor.skip(4)?;
            each(Said::Number("new_channel_id", cursor.u32_le()?.into()));
            each(Said::Number("new_token_id", cursor.u32_le()?.into()));
        }
        service::CREATE_SUBSCRIPTION => each(Said::Number("subscription_id", cursor.u32_le()?.into())),
        service::READ => {
            array(cursor, &mut |cursor| {
                let (value, status) = data_value(cursor)?;
                each(Said::Value(value));
                each(Said::Status(status));
                Some(())
            })?;
        }
        service::WRITE | service::DELETE_NODES | service::DELETE_SUBSCRIPTIONS => {
            array(cursor, &mut |cursor| {
                each(Said::Status(cursor.u32_le()?));
                Some(())
            })?;
        }
        service::CALL => {
            array(cursor, &mut |cursor| {
                each(Said::Status(cursor.u32_le()?));
                array(cursor, &mut |cursor| cursor.skip(4))?;
                array(cursor, &mut diagnostic)?;
                array(cursor, &mut |cursor| {
                    each(Said::Returned(variant(cursor)?));
                    Some(())
                })
                .map(|_| ())
            })?;
        }
        service::BROWSE | service::CREATE_ITEMS | service::ADD_NODES => results(request, cursor, each)?,
        service::PUBLISH => publish(cursor, each)?,
        _ => {}
    }
    Some(())
}

/// Statuses with what else a result of these services holds (Part 4, 7.6, 5.13.2.2 and 5.8.2.2).
fn results<'a>(request: u32, cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    array(cursor, &mut |cursor| {
        each(Said::Status(cursor.u32_le()?));
        match request {
            service::CREATE_ITEMS => {
                cursor.skip(16)?;
                extension(cursor).map(|_| ())
            }
            service::ADD_NODES => node_id(cursor).map(|_| ()),
            _ => {
                string(cursor)?;
                array(cursor, &mut reference).map(|_| ())
            }
        }
    })
    .map(|_| ())
}

/// Passes over a reference (Part 4, 7.30).
fn reference(cursor: &mut Cursor<'_>) -> Option<()> {
    node_id(cursor)?;
    cursor.skip(1)?;
    binary::expanded_node_id(cursor)?;
    qualified(cursor)?;
    binary::localized(cursor)?;
    cursor.skip(4)?;
    binary::expanded_node_id(cursor).map(|_| ())
}

fn create_session<'a>(cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    each(Said::Text("application_uri", string(cursor)?));
    string(cursor)?;
    each(Said::Text("application_name", binary::localized(cursor)?));
    cursor.skip(4)?;
    string(cursor)?;
    string(cursor)?;
    array(cursor, &mut |cursor| string(cursor).map(|_| ()))?;
    string(cursor)?;
    each(Said::Text("endpoint", string(cursor)?));
    each(Said::Text("session_name", string(cursor)?));
    Some(())
}

/// The token that says who asks (Part 4, 7.41): its kind, and a user's name where it is clear.
fn activate_session<'a>(cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    string(cursor)?;
    string(cursor)?;
    array(cursor, &mut |cursor| {
        string(cursor)?;
        string(cursor).map(|_| ())
    })?;
    array(cursor, &mut |cursor| string(cursor).map(|_| ()))?;
    let (kind, body) = extension(cursor)?;
    let mut token = Cursor::new(body);
    match kind {
        321 => each(Said::Text("user_token", b"anonymous")),
        324 => {
            each(Said::Text("user_token", b"user name"));
            string(&mut token)?;
            each(Said::Text("user_name", string(&mut token)?));
            let password = string(&mut token)?;
            // Without an algorithm the password is in the clear (Part 4, 7.41.4).
            let clear = string(&mut token)?.is_empty() && !password.is_empty();
            each(Said::Number("clear_password", u64::from(clear)));
        }
        327 => each(Said::Text("user_token", b"certificate")),
        940 => each(Said::Text("user_token", b"issued")),
        _ => {}
    }
    Some(())
}

fn read_value_id<'a>(cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    each(Said::Node(node_id(cursor)?, cursor.u32_le()?));
    string(cursor)?;
    qualified(cursor).map(|_| ())
}

fn create_items<'a>(cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    each(Said::Number("subscription_id", cursor.u32_le()?.into()));
    cursor.skip(4)?;
    array(cursor, &mut |cursor| {
        read_value_id(cursor, each)?;
        cursor.skip(4)?;
        each(Said::Number("item_handles", cursor.u32_le()?.into()));
        cursor.skip(8)?;
        extension(cursor)?;
        cursor.skip(5)
    })
    .map(|_| ())
}

/// Changes of data (Part 4, 7.25.2); events and changes of status are passed over.
fn publish<'a>(cursor: &mut Cursor<'a>, each: Each<'_, 'a>) -> Option<()> {
    each(Said::Number("subscription_id", cursor.u32_le()?.into()));
    array(cursor, &mut |cursor| cursor.skip(4))?;
    cursor.skip(13)?;
    array(cursor, &mut |cursor| {
        let (kind, body) = extension(cursor)?;
        if kind == 811 {
            let mut items = Cursor::new(body);
            array(&mut items, &mut |cursor| {
                let handle = cursor.u32_le()?;
                let (value, status) = data_value(cursor)?;
                each(Said::Item(handle, value, status));
                Some(())
            })?;
        }
        Some(())
    })
    .map(|_| ())
}
