//! What can go wrong with the store, told so that the file and the way out are named.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store did not do what it was asked. After any of these nothing of that call was recorded, everything
/// acknowledged before it is still there, and the next call may succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or the quota, is used up.
    #[error(
        "`{file}` cannot grow, its disk is full; nothing of this step was recorded, everything before it is safe"
    )]
    Full {
        /// The database.
        file: PathBuf,
    },
    /// The file is damaged or is no store.
    #[error(
        "`{file}` is damaged ({cause}); nothing was changed\n\nhint: look at it with `sqlite3 {file} .recover`, or move \
         it out of the way with `mv {file} {file}.corrupt` and start again with an empty store"
    )]
    Corrupt {
        /// The database.
        file: PathBuf,
        /// What SQLite found.
        cause: String,
    },
    /// Another process works with the store.
    #[error("`{file}` is in use by another process; stop that one first")]
    InUse {
        /// The database.
        file: PathBuf,
    },
    /// The store was written by a later version of this program.
    #[error(
        "`{file}` has schema version {found}, this program knows {known}; install the program that wrote it"
    )]
    TooNew {
        /// The database.
        file: PathBuf,
        /// What the file says.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// A file could not be opened, created or moved.
    #[error("`{file}` cannot be opened: {cause}")]
    Open {
        /// The file.
        file: PathBuf,
        /// What the operating system or SQLite said.
        cause: String,
    },
    /// Anything else SQLite refused.
    #[error("`{file}`: {cause}")]
    Failed {
        /// The database.
        file: PathBuf,
        /// What SQLite said.
        cause: String,
    },
    /// The store was closed, by this program itself.
    #[error("`{file}` is closed")]
    Closed {
        /// The database.
        file: PathBuf,
    },
    /// What the call is about does not exist.
    #[error("there is no {what} `{id}`")]
    Unknown {
        /// The kind of thing.
        what: &'static str,
        /// Its id as given.
        id: String,
    },
    /// A named cap was reached.
    #[error("{what} of `{id}` are full: at most {cap}")]
    Limit {
        /// What is full.
        what: &'static str,
        /// Of which thing.
        id: String,
        /// How many there may be.
        cap: u64,
    },
}

/// A fault inside a transaction, before it is known which file it happened in.
#[derive(Debug)]
pub(crate) enum Trouble {
    Sql(rusqlite::Error),
    Json(serde_json::Error),
    Unknown { what: &'static str, id: String },
    Limit { what: &'static str, id: String, cap: u64 },
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl Trouble {
    pub(crate) fn at(self, file: &Path) -> StoreError {
        let file = file.to_path_buf();
        match self {
            Self::Unknown { what, id } => StoreError::Unknown { what, id },
            Self::Limit { what, id, cap } => StoreError::Limit { what, id, cap },
            Self::Json(error) => {
                StoreError::Corrupt { file, cause: format!("a stored record does not read: {error}") }
            }
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => StoreError::Full { file },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::Corrupt { file, cause: error.to_string() }
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { file },
                Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                    StoreError::Open { file, cause: error.to_string() }
                }
                _ => StoreError::Failed { file, cause: error.to_string() },
            },
        }
    }
}
