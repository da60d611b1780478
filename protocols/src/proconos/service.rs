//! The services of the remoting dialect and their methods, as KW-Software's eCLR firmware kit declares them.

use fieldwarden_model::Verb;

/// What the names of all services begin with.
pub(super) const PREFIX: &[u8] = b"Ade.Remoting.Services.";

/// A service, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Control,
    DeviceInfo,
    DataAccess,
    Subscriptions,
    Force,
    FileAccess,
    Debug,
    Breakpoint,
    Callstack,
    Security,
    /// One that is not known by name, or was bound before the first frame seen.
    Other,
}

impl Service {
    /// The service of a name such as `Ade.Remoting.Services.IDeviceInfoService2`.
    pub(super) fn of(name: &str) -> Self {
        let name = name
            .trim_start_matches("Ade.Remoting.Services.")
            .trim_end_matches(|digit: char| digit.is_ascii_digit());
        match name {
            "IProConOSControlService" => Self::Control,
            "IDeviceInfoService" => Self::DeviceInfo,
            "IDataAccessService" => Self::DataAccess,
            "IForceService" => Self::Force,
            "ISimpleFileAccessService" => Self::FileAccess,
            "IDebugService" => Self::Debug,
            "IBreakpointService" => Self::Breakpoint,
            "ICallstackService" => Self::Callstack,
            "ISecurityService" => Self::Security,
            _ => Self::Other,
        }
    }

    /// The same, where the version tells another set of methods.
    pub(super) fn of_version(name: &str) -> Self {
        if name.ends_with("IDataAccessService2") { Self::Subscriptions } else { Self::of(name) }
    }

    /// A number of our own for `function`, above every native code.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Other => 0x100,
            Self::Control => 0x101,
            Self::DeviceInfo => 0x102,
            Self::DataAccess => 0x103,
            Self::Subscriptions => 0x104,
            Self::Force => 0x105,
            Self::FileAccess => 0x106,
            Self::Debug => 0x107,
            Self::Breakpoint => 0x108,
            Self::Callstack => 0x109,
            Self::Security => 0x10a,
        }
    }

    /// What a method does.
    pub(super) const fn method(self, method: u16) -> (Verb, &'static str) {
        match (self, method) {
            (Self::Control, 1) => (Verb::Program, "activate boot project"),
            (Self::Control, 2) => (Verb::Diagnose, "clear errors"),
            (Self::Control, 3) => (Verb::Program, "delete boot project"),
            (Self::Control, 4) => (Verb::Mode, "initialise retained variables"),
            (Self::Control, 5) => (Verb::Mode, "reset"),
            (Self::Control, 6) => (Verb::Mode, "start"),
            (Self::Control, 7) => (Verb::Mode, "stop"),
            (Self::DeviceInfo, 1) => (Verb::Discover, "read attribute"),
            (Self::DeviceInfo, 2) => (Verb::Discover, "read attribute names"),
            (Self::DeviceInfo, 3) => (Verb::Discover, "read attributes"),
            (Self::DeviceInfo, 4 | 5) => (Verb::Configure, "set attributes"),
            (Self::DataAccess, _) => (Verb::Read, "access data"),
            (Self::Subscriptions, 1) => (Verb::Read, "subscribe"),
            (Self::Subscriptions, 2) => (Verb::Read, "unsubscribe"),
            (Self::Subscriptions, 3) => (Verb::Read, "read subscription"),
            (Self::Force, 1) => (Verb::Write, "force variable"),
            (Self::Force, 2) => (Verb::Write, "release all forced variables"),
            (Self::Force, 3) => (Verb::Read, "read forced variables"),
            (Self::Force, 4) => (Verb::Read, "ask whether variables are forced"),
            (Self::Force, 5) => (Verb::Write, "release forced variable"),
            (Self::FileAccess, _) => (Verb::Transfer, "access file"),
            (Self::Debug, 1) | (Self::Callstack, _) => (Verb::Diagnose, "read call stack"),
            (Self::Debug, 2) | (Self::Breakpoint, _) => (Verb::Program, "set breakpoint"),
            (Self::Debug, 3) => (Verb::Program, "reset breakpoint"),
            (Self::Debug, 4) => (Verb::Program, "clear all breakpoints"),
            (Self::Debug, 5) => (Verb::Mode, "continue"),
            (Self::Security, _) => (Verb::Associate, "security"),
            _ => (Verb::Unknown, "unknown method"),
        }
    }
}
