//! Who may do what: operators, their roles, and the map from a peer's uid to an operator.

use std::fmt;

use fieldwarden_model::section::{Fault, FromNode, Node, Reader, Section};
use serde::{Deserialize, Serialize};

/// What an operator may do. Roles do not include each other; an operator lists each one held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Sees status, incidents, writes and orders.
    Viewer,
    /// Tunes baselines.
    Engineer,
    /// Works on incidents and proposes orders.
    Responder,
    /// Confirms and releases orders.
    Approver,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Engineer => "engineer",
            Self::Responder => "responder",
            Self::Approver => "approver",
        })
    }
}

impl FromNode for Role {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let word = String::from_node(node)?;
        [Self::Viewer, Self::Engineer, Self::Responder, Self::Approver]
            .into_iter()
            .find(|role| role.to_string() == word)
            .ok_or_else(|| Fault {
                at: node.at,
                message: format!("`{word}` is no role"),
                help: Some("write `viewer`, `engineer`, `responder` or `approver`".into()),
            })
    }
}

/// A named person behind a uid of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    /// The name every decision is journaled under.
    pub(crate) name: String,
    /// The uid of the peer on the control socket.
    pub(crate) uid: u32,
    /// What the operator may do.
    pub(crate) roles: Vec<Role>,
}

impl Operator {
    /// Reads one `[[operator]]` table.
    pub(crate) fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"jo\"");
        let uid = reader.required::<u32>("uid", "uid = 1000");
        let roles = reader.required::<Vec<Role>>("roles", "roles = [\"viewer\", \"responder\"]");
        let operator = name.zip(uid).zip(roles).map(|((name, uid), roles)| Self { name, uid, roles });
        reader.finish_with(operator)
    }

    /// Whether the operator holds the role, or the sentence that says what is missing.
    pub(crate) fn require(&self, role: Role) -> Result<(), String> {
        if self.roles.contains(&role) {
            return Ok(());
        }
        let held: Vec<String> = self.roles.iter().map(Role::to_string).collect();
        Err(format!(
            "{} may not do this: it needs the role `{role}`, held are: {}",
            self.name,
            held.join(", ")
        ))
    }
}
