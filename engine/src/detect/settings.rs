//! The section `[detectors]`.

use std::time::Duration;

use fieldwarden_model::section::{Fault, Reader, Section};

use super::{
    address_change, asset_changed, clear_text_credentials, covert_channel, detector_id, exception_burst,
    frozen_report, function_scan, lost_poll, new_point_write, new_talker, password_guessing, period_change,
    point_toggling, public_address, read_sweep, remote_access, request_flood, rogue_dhcp, scan,
    silent_controller, unselected_operate, value_step, write_burst,
};

/// What the detectors are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Detectors that are switched off, by id.
    pub disabled: Vec<String>,
    /// After this long without the same thing it is told anew; each time it was, the pause that makes it news doubles.
    /// One minute: an intruder who comes back after it is news, one who comes back all night is not.
    pub repeat_quiet: Duration,
    /// A thing that never pauses is told anew after this long. One hour: once per shift hand-over would be too late.
    pub repeat_longest: Duration,
    /// Alerts of one detector about one client and server within [`Settings::pair_window`]; more are counted, not told.
    /// Sixteen: whoever reads them has seen what it is.
    pub alerts_per_pair: u32,
    /// See [`Settings::alerts_per_pair`]. Five minutes.
    pub pair_window: Duration,
    /// Of `new-talker`.
    pub new_talker: new_talker::Settings,
    /// Of `new-point-write`.
    pub new_point_write: new_point_write::Settings,
    /// Of `function-scan`.
    pub function_scan: function_scan::Settings,
    /// Of `exception-burst`.
    pub exception_burst: exception_burst::Settings,
    /// Of `write-burst`.
    pub write_burst: write_burst::Settings,
    /// Of `point-toggling`.
    pub point_toggling: point_toggling::Settings,
    /// Of `value-step`.
    pub value_step: value_step::Settings,
    /// Of `frozen-report`.
    pub frozen_report: frozen_report::Settings,
    /// Of `covert-channel`.
    pub covert_channel: covert_channel::Settings,
    /// Of `read-sweep`.
    pub read_sweep: read_sweep::Settings,
    /// Of `unselected-operate`.
    pub unselected_operate: unselected_operate::Settings,
    /// Of `lost-poll`.
    pub lost_poll: lost_poll::Settings,
    /// Of `silent-controller`.
    pub silent_controller: silent_controller::Settings,
    /// Of `period-change`.
    pub period_change: period_change::Settings,
    /// Of `address-change`.
    pub address_change: address_change::Settings,
    /// Of `scan`.
    pub scan: scan::Settings,
    /// Of `rogue-dhcp`.
    pub rogue_dhcp: rogue_dhcp::Settings,
    /// Of `request-flood`.
    pub request_flood: request_flood::Settings,
    /// Of `password-guessing`.
    pub password_guessing: password_guessing::Settings,
    /// Of `clear-text-credentials`.
    pub clear_text_credentials: clear_text_credentials::Settings,
    /// Of `remote-access`.
    pub remote_access: remote_access::Settings,
    /// Of `public-address`.
    pub public_address: public_address::Settings,
    /// Of `asset-changed`.
    pub asset_changed: asset_changed::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            repeat_quiet: Duration::from_secs(60),
            repeat_longest: Duration::from_secs(3_600),
            alerts_per_pair: 16,
            pair_window: Duration::from_secs(300),
            new_talker: new_talker::Settings::default(),
            new_point_write: new_point_write::Settings::default(),
            function_scan: function_scan::Settings::default(),
            exception_burst: exception_burst::Settings::default(),
            write_burst: write_burst::Settings::default(),
            point_toggling: point_toggling::Settings::default(),
            value_step: value_step::Settings::default(),
            frozen_report: frozen_report::Settings::default(),
            covert_channel: covert_channel::Settings::default(),
            read_sweep: read_sweep::Settings::default(),
            unselected_operate: unselected_operate::Settings::default(),
            lost_poll: lost_poll::Settings::default(),
            silent_controller: silent_controller::Settings::default(),
            period_change: period_change::Settings::default(),
            address_change: address_change::Settings::default(),
            scan: scan::Settings::default(),
            rogue_dhcp: rogue_dhcp::Settings::default(),
            request_flood: request_flood::Settings::default(),
            password_guessing: password_guessing::Settings::default(),
            clear_text_credentials: clear_text_credentials::Settings::default(),
            remote_access: remote_access::Settings::default(),
            public_address: public_address::Settings::default(),
            asset_changed: asset_changed::Settings::default(),
        }
    }
}

impl Settings {
    /// Reads the `[detectors]` section.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let disabled: Vec<String> = reader.or("disabled", Vec::new());
        for id in &disabled {
            if detector_id(id).is_none() {
                let known: Vec<&str> = super::DETECTORS.iter().map(|detector| detector.id()).collect();
                let help = format!("known are {}", known.join(", "));
                reader.fault_at("disabled", format!("there is no detector `{id}`"), Some(help));
            }
        }
        let repeat_quiet = seconds(&mut reader, "repeat_quiet_secs", usual.repeat_quiet);
        let repeat_longest = seconds(&mut reader, "repeat_longest_secs", usual.repeat_longest);
        let alerts_per_pair = reader.within("alerts_per_pair", 1..=1_000, u64::from(usual.alerts_per_pair));
        let pair_window = seconds(&mut reader, "pair_window_secs", usual.pair_window);
        let new_talker = reader.table("new_talker");
        let new_talker = reader.absorb(new_talker::Settings::configure(&new_talker)).unwrap_or_default();
        let function_scan = reader.table("function_scan");
        let function_scan =
            reader.absorb(function_scan::Settings::configure(&function_scan)).unwrap_or_default();
        let exception_burst = reader.table("exception_burst");
        let exception_burst =
            reader.absorb(exception_burst::Settings::configure(&exception_burst)).unwrap_or_default();
        let process = Process::configure(&mut reader);
        let timing = Timing::configure(&mut reader);
        let network = Network::configure(&mut reader);
        let asset_changed = reader.table("asset_changed");
        let asset_changed =
            reader.absorb(asset_changed::Settings::configure(&asset_changed)).unwrap_or_default();
        reader.finish_with(Some(Self {
            disabled,
            repeat_quiet,
            repeat_longest,
            alerts_per_pair: u32::try_from(alerts_per_pair).unwrap_or(usual.alerts_per_pair),
            pair_window,
            new_talker,
            new_point_write: process.new_point_write,
            function_scan,
            exception_burst,
            write_burst: process.write_burst,
            point_toggling: process.point_toggling,
            value_step: process.value_step,
            frozen_report: process.frozen_report,
            covert_channel: process.covert_channel,
            read_sweep: process.read_sweep,
            unselected_operate: process.unselected_operate,
            lost_poll: timing.lost_poll,
            silent_controller: timing.silent_controller,
            period_change: timing.period_change,
            address_change: network.address_change,
            scan: network.scan,
            rogue_dhcp: network.rogue_dhcp,
            request_flood: network.request_flood,
            password_guessing: network.password_guessing,
            clear_text_credentials: network.clear_text_credentials,
            remote_access: network.remote_access,
            public_address: network.public_address,
            asset_changed,
        }))
    }
}

/// The sections of detectors that judge values and control.
struct Process {
    new_point_write: new_point_write::Settings,
    write_burst: write_burst::Settings,
    point_toggling: point_toggling::Settings,
    value_step: value_step::Settings,
    frozen_report: frozen_report::Settings,
    covert_channel: covert_channel::Settings,
    read_sweep: read_sweep::Settings,
    unselected_operate: unselected_operate::Settings,
}

impl Process {
    fn configure(reader: &mut Reader<'_>) -> Self {
        let new_point_write = reader.table("new_point_write");
        let new_point_write =
            reader.absorb(new_point_write::Settings::configure(&new_point_write)).unwrap_or_default();
        let write_burst = reader.table("write_burst");
        let write_burst = reader.absorb(write_burst::Settings::configure(&write_burst)).unwrap_or_default();
        let point_toggling = reader.table("point_toggling");
        let point_toggling =
            reader.absorb(point_toggling::Settings::configure(&point_toggling)).unwrap_or_default();
        let value_step = reader.table("value_step");
        let value_step = reader.absorb(value_step::Settings::configure(&value_step)).unwrap_or_default();
        let frozen_report = reader.table("frozen_report");
        let frozen_report =
            reader.absorb(frozen_report::Settings::configure(&frozen_report)).unwrap_or_default();
        let covert_channel = reader.table("covert_channel");
        let covert_channel =
            reader.absorb(covert_channel::Settings::configure(&covert_channel)).unwrap_or_default();
        let read_sweep = reader.table("read_sweep");
        let read_sweep = reader.absorb(read_sweep::Settings::configure(&read_sweep)).unwrap_or_default();
        let unselected_operate = reader.table("unselected_operate");
        let unselected_operate =
            reader.absorb(unselected_operate::Settings::configure(&unselected_operate)).unwrap_or_default();
        Self {
            new_point_write,
            write_burst,
            point_toggling,
            value_step,
            frozen_report,
            covert_channel,
            read_sweep,
            unselected_operate,
        }
    }
}

/// The sections of detectors that judge polls.
struct Timing {
    lost_poll: lost_poll::Settings,
    silent_controller: silent_controller::Settings,
    period_change: period_change::Settings,
}

impl Timing {
    fn configure(reader: &mut Reader<'_>) -> Self {
        let lost_poll = reader.table("lost_poll");
        let lost_poll = reader.absorb(lost_poll::Settings::configure(&lost_poll)).unwrap_or_default();
        let silent_controller = reader.table("silent_controller");
        let silent_controller =
            reader.absorb(silent_controller::Settings::configure(&silent_controller)).unwrap_or_default();
        let period_change = reader.table("period_change");
        let period_change =
            reader.absorb(period_change::Settings::configure(&period_change)).unwrap_or_default();
        Self { lost_poll, silent_controller, period_change }
    }
}

/// The sections of detectors that judge the network, and who reaches whom.
struct Network {
    address_change: address_change::Settings,
    scan: scan::Settings,
    rogue_dhcp: rogue_dhcp::Settings,
    request_flood: request_flood::Settings,
    password_guessing: password_guessing::Settings,
    clear_text_credentials: clear_text_credentials::Settings,
    remote_access: remote_access::Settings,
    public_address: public_address::Settings,
}

impl Network {
    fn configure(reader: &mut Reader<'_>) -> Self {
        let address_change = reader.table("address_change");
        let address_change =
            reader.absorb(address_change::Settings::configure(&address_change)).unwrap_or_default();
        let scan = reader.table("scan");
        let scan = reader.absorb(scan::Settings::configure(&scan)).unwrap_or_default();
        let rogue_dhcp = reader.table("rogue_dhcp");
        let rogue_dhcp = reader.absorb(rogue_dhcp::Settings::configure(&rogue_dhcp)).unwrap_or_default();
        let request_flood = reader.table("request_flood");
        let request_flood =
            reader.absorb(request_flood::Settings::configure(&request_flood)).unwrap_or_default();
        let password_guessing = reader.table("password_guessing");
        let password_guessing =
            reader.absorb(password_guessing::Settings::configure(&password_guessing)).unwrap_or_default();
        let clear_text_credentials = reader.table("clear_text_credentials");
        let clear_text_credentials = reader
            .absorb(clear_text_credentials::Settings::configure(&clear_text_credentials))
            .unwrap_or_default();
        let remote_access = reader.table("remote_access");
        let remote_access =
            reader.absorb(remote_access::Settings::configure(&remote_access)).unwrap_or_default();
        let public_address = reader.table("public_address");
        let public_address =
            reader.absorb(public_address::Settings::configure(&public_address)).unwrap_or_default();
        Self {
            address_change,
            scan,
            rogue_dhcp,
            request_flood,
            password_guessing,
            clear_text_credentials,
            remote_access,
            public_address,
        }
    }
}

/// A duration in whole seconds, from one second to one week.
pub(crate) fn seconds(reader: &mut Reader<'_>, key: &'static str, usual: Duration) -> Duration {
    Duration::from_secs(reader.within(key, 1..=604_800, usual.as_secs()))
}
