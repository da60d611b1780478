//! Interfaces by UUID: those of OPC Classic (as its interface definitions give them), of DCOM, and those of Windows that
//! intruders use; and what their calls do.

use fieldwarden_model::Verb;

use super::uuid::Uuid;

/// A family of interfaces with the same calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    /// Not told one by one.
    Other,
    Server,
    ItemManagement,
    GroupState,
    SyncIo,
    AsyncIo,
    AsyncIo2,
    DataCallback,
    ItemIo,
    Browse,
    EventServer,
    EventSink,
    HistoryUpdate,
    HistoryRead,
    Services,
    Tasks,
    Registry,
    Activation,
    EndpointMapper,
    Locator,
}

struct Interface {
    uuid: u128,
    name: &'static str,
    calls: Calls,
}

const fn i(uuid: u128, name: &'static str, calls: Calls) -> Interface {
    Interface { uuid, name, calls }
}

/// Common part of the interfaces of OPC Data Access 2.
const DA: u128 = 0x0000_0000_011e_11d0_9675_0020_afd8_adb3;
const AE: u128 = 0x0000_0000_5783_11d1_84a0_0060_8cb8_a7e9;
const HDA: u128 = 0x0000_0000_dee0_11d2_a5e5_0000_8633_9399;
const COM: u128 = 0x0000_0000_0000_0000_c000_0000_0000_0046;

const fn of(common: u128, first: u32) -> u128 {
    common | (first as u128) << 96
}

static INTERFACES: &[Interface] = &[
    i(of(DA, 0x39c1_3a4d), "IOPCServer", Calls::Server),
    i(of(DA, 0x39c1_3a4e), "IOPCServerPublicGroups", Calls::Other),
    i(of(DA, 0x39c1_3a4f), "IOPCBrowseServerAddressSpace", Calls::Browse),
    i(of(DA, 0x39c1_3a50), "IOPCGroupStateMgt", Calls::GroupState),
    i(of(DA, 0x39c1_3a51), "IOPCPublicGroupStateMgt", Calls::Other),
    i(of(DA, 0x39c1_3a52), "IOPCSyncIO", Calls::SyncIo),
    i(of(DA, 0x39c1_3a53), "IOPCAsyncIO", Calls::AsyncIo),
    i(of(DA, 0x39c1_3a54), "IOPCItemMgt", Calls::ItemManagement),
    i(of(DA, 0x39c1_3a55), "IEnumOPCItemAttributes", Calls::Browse),
    i(of(DA, 0x39c1_3a70), "IOPCDataCallback", Calls::DataCallback),
    i(of(DA, 0x39c1_3a71), "IOPCAsyncIO2", Calls::AsyncIo2),
    i(of(DA, 0x39c1_3a72), "IOPCItemProperties", Calls::Browse),
    i(0x730f_5f0f_55b1_4c81_9e18_ff8a_0904_e1fa, "IOPCSyncIO2", Calls::SyncIo),
    i(0x0967_b97b_36ef_423e_b6f8_6bff_1e40_d39d, "IOPCAsyncIO3", Calls::AsyncIo2),
    i(0x85c0_b427_2893_4cbc_bd78_e5fc_5146_f08f, "IOPCItemIO", Calls::ItemIo),
    i(0x3922_7004_a18f_4b57_8b0a_5235_670f_4468, "IOPCBrowse", Calls::Browse),
    i(0x8e36_8666_d72e_4f78_87ed_6476_11c6_1c9f, "IOPCGroupStateMgt2", Calls::GroupState),
    i(0x5946_da93_8b39_4ec8_ab3d_aa73_df5b_c86f, "IOPCItemDeadbandMgt", Calls::Other),
    i(0x3e22_d313_f08b_41a5_86c8_95e9_5cb4_9ffc, "IOPCItemSamplingMgt", Calls::Other),
    i(0xf31d_fde1_07b6_11d2_b2d8_0060_083b_a1fb, "IOPCShutdown", Calls::Other),
    i(0xf31d_fde2_07b6_11d2_b2d8_0060_083b_a1fb, "IOPCCommon", Calls::Other),
    i(0x1348_6d50_4821_11d2_a494_3cb3_06c1_0000, "IOPCServerList", Calls::Browse),
    i(0x9dd0_b56c_ad9e_43ee_8305_487f_3188_bf7a, "IOPCServerList2", Calls::Browse),
    i(of(AE, 0x6516_8851), "IOPCEventServer", Calls::EventServer),
    i(of(AE, 0x6516_8855), "IOPCEventSubscriptionMgt", Calls::Other),
    i(of(AE, 0x6516_8857), "IOPCEventAreaBrowser", Calls::Browse),
    i(of(AE, 0x6516_885f), "IOPCEventSink", Calls::EventSink),
    i(0x71bb_e88e_9564_4bcd_bcfc_71c5_58d9_4f2d, "IOPCEventServer2", Calls::EventServer),
    i(0x94c9_55dc_3684_4ccb_afab_f898_ce19_aac3, "IOPCEventSubscriptionMgt2", Calls::Other),
    i(of(HDA, 0x1f12_17b0), "IOPCHDA_Server", Calls::Browse),
    i(of(HDA, 0x1f12_17b1), "IOPCHDA_Browser", Calls::Browse),
    i(of(HDA, 0x1f12_17b2), "IOPCHDA_SyncRead", Calls::HistoryRead),
    i(of(HDA, 0x1f12_17b3), "IOPCHDA_SyncUpdate", Calls::HistoryUpdate),
    i(of(HDA, 0x1f12_17b4), "IOPCHDA_SyncAnnotations", Calls::Other),
    i(of(HDA, 0x1f12_17b5), "IOPCHDA_AsyncRead", Calls::HistoryRead),
    i(of(HDA, 0x1f12_17b6), "IOPCHDA_AsyncUpdate", Calls::HistoryUpdate),
    i(of(HDA, 0x1f12_17b7), "IOPCHDA_AsyncAnnotations", Calls::Other),
    i(of(HDA, 0x1f12_17b8), "IOPCHDA_Playback", Calls::HistoryRead),
    i(of(HDA, 0x1f12_17b9), "IOPCHDA_DataCallback", Calls::HistoryRead),
    i(of(COM, 0x0000_0000), "IUnknown", Calls::Other),
    i(of(COM, 0x0000_0001), "IClassFactory", Calls::Other),
    i(of(COM, 0x0000_0131), "IRemUnknown", Calls::Locator),
    i(of(COM, 0x0000_0143), "IRemUnknown2", Calls::Locator),
    i(of(COM, 0x0000_0136), "ISystemActivator", Calls::Activation),
    i(of(COM, 0x0000_01a0), "IRemoteSCMActivator", Calls::Activation),
    i(of(COM, 0x0002_0400), "IDispatch", Calls::Other),
    i(0x4d9f_4ab8_7d1c_11cf_861e_0020_af6e_7c57, "IActivation", Calls::Activation),
    i(0x99fc_fec4_5260_101b_bbcb_00aa_0021_347a, "IObjectExporter", Calls::Locator),
    i(0xb196_b284_bab4_101a_b69c_00aa_0034_1d07, "IConnectionPointContainer", Calls::Other),
    i(0xb196_b286_bab4_101a_b69c_00aa_0034_1d07, "IConnectionPoint", Calls::Other),
    i(0xe1af_8308_5d1f_11c9_91a4_0800_2b14_a0fa, "endpoint mapper", Calls::EndpointMapper),
    i(0xafa8_bd80_7d8a_11c9_bef4_0800_2b10_2989, "remote management", Calls::EndpointMapper),
    i(0x367a_bb81_9844_35f1_ad32_98f0_3800_1003, "service control manager", Calls::Services),
    i(0x1ff7_0682_0a51_30e8_076d_740b_e8ce_e98b, "task scheduler (at)", Calls::Tasks),
    i(0x86d3_5949_83c9_4044_b424_db36_3231_fd0c, "task scheduler", Calls::Tasks),
    i(0x338c_d001_2244_31f1_aaaa_9000_3800_1003, "remote registry", Calls::Registry),
    i(0x1234_5778_1234_abcd_ef00_0123_4567_89ac, "security accounts (SAM)", Calls::Other),
    i(0x1234_5778_1234_abcd_ef00_0123_4567_89ab, "local security authority", Calls::Other),
    i(0x1234_5678_1234_abcd_ef00_0123_4567_cffb, "netlogon", Calls::Other),
    i(0x1234_5678_1234_abcd_ef00_0123_4567_89ab, "print spooler", Calls::Other),
    i(0x4b32_4fc8_1670_01d3_1278_5a47_bf6e_e188, "server service", Calls::Other),
    i(0x6bff_d098_a112_3610_9833_46c3_f87e_345a, "workstation service", Calls::Other),
    i(0xe351_4235_4b06_11d1_ab04_00c0_4fc2_dcd2, "directory replication", Calls::Other),
    i(0x9556_dc99_828c_11cf_a37e_00aa_0032_40c7, "IWbemServices", Calls::Other),
    i(0xf309_ad18_d86a_11d0_a075_00c0_4fb6_8820, "IWbemLevel1Login", Calls::Other),
    i(0xdea0_0001_6c97_11d1_8271_00a0_2442_df7d, "PROFINET IO device", Calls::Other),
    i(0xdea0_0002_6c97_11d1_8271_00a0_2442_df7d, "PROFINET IO controller", Calls::Other),
    i(0xdea0_0003_6c97_11d1_8271_00a0_2442_df7d, "PROFINET IO supervisor", Calls::Other),
    i(0xdea0_0004_6c97_11d1_8271_00a0_2442_df7d, "PROFINET parameter server", Calls::Other),
];

/// The name of an interface, where it is known.
pub(super) fn name(uuid: Uuid) -> Option<&'static str> {
    find(uuid).map(|interface| interface.name)
}

fn find(uuid: Uuid) -> Option<&'static Interface> {
    INTERFACES.iter().find(|interface| interface.uuid == uuid.0)
}

/// What a call does. Calls 0 to 2 of every interface of COM are those of `IUnknown`.
pub(super) fn call(interface: Option<Uuid>, operation: u16) -> (Verb, &'static str) {
    let calls = interface.and_then(find).map(|interface| interface.calls);
    match (calls, operation) {
        (Some(Calls::SyncIo), 3) => (Verb::Read, "OPC synchronous read"),
        (Some(Calls::SyncIo), 4) => (Verb::Write, "OPC synchronous write"),
        (Some(Calls::SyncIo), 5) => (Verb::Read, "OPC synchronous read of a maximum age"),
        (Some(Calls::SyncIo), 6) => (Verb::Write, "OPC synchronous write with quality and time"),
        (Some(Calls::AsyncIo | Calls::AsyncIo2), 3) => (Verb::Read, "OPC asynchronous read"),
        (Some(Calls::AsyncIo | Calls::AsyncIo2), 4) => (Verb::Write, "OPC asynchronous write"),
        (Some(Calls::AsyncIo | Calls::AsyncIo2), 5) => (Verb::Read, "OPC refresh"),
        (Some(Calls::AsyncIo2), 9 | 11) => (Verb::Read, "OPC read or refresh of a maximum age"),
        (Some(Calls::AsyncIo2), 10) => (Verb::Write, "OPC asynchronous write with quality and time"),
        (Some(Calls::AsyncIo | Calls::AsyncIo2), _) => (Verb::Associate, "OPC asynchronous input and output"),
        (Some(Calls::ItemIo), 4) => (Verb::Write, "OPC write of items"),
        (Some(Calls::ItemIo), _) => (Verb::Read, "OPC read of items"),
        (Some(Calls::DataCallback), 5) => (Verb::Write, "OPC write complete"),
        (Some(Calls::DataCallback), _) => (Verb::Read, "OPC data callback"),
        (Some(Calls::Server), 3) => (Verb::Associate, "OPC group added"),
        (Some(Calls::Server), 6) => (Verb::Diagnose, "OPC server status"),
        (Some(Calls::Server), 7) => (Verb::Associate, "OPC group removed"),
        (Some(Calls::Server), _) => (Verb::Discover, "OPC server"),
        (Some(Calls::ItemManagement | Calls::GroupState), _) => (Verb::Associate, "OPC group management"),
        (Some(Calls::Browse), _) => (Verb::Discover, "OPC browse"),
        (Some(Calls::EventServer), 12..=15) => (Verb::Configure, "OPC conditions enabled or disabled"),
        (Some(Calls::EventServer), 16) => (Verb::Operate, "OPC alarms acknowledged"),
        (Some(Calls::EventServer), _) => (Verb::Discover, "OPC event server"),
        (Some(Calls::EventSink), _) => (Verb::Read, "OPC events"),
        (Some(Calls::HistoryRead), _) => (Verb::Read, "OPC history read"),
        (Some(Calls::HistoryUpdate), _) => (Verb::Write, "OPC history update"),
        // [MS-SCMR] §3.1.4: RCreateServiceW, RStartServiceW, RControlService, RDeleteService and their ANSI twins.
        (Some(Calls::Services), 12 | 24 | 44 | 45 | 60) => (Verb::Configure, "service created"),
        (Some(Calls::Services), 19 | 31) => (Verb::Mode, "service started"),
        (Some(Calls::Services), 1 | 50 | 51) => (Verb::Mode, "service controlled"),
        (Some(Calls::Services), 2 | 11 | 23) => (Verb::Configure, "service changed or deleted"),
        (Some(Calls::Services), _) => (Verb::Discover, "service control manager"),
        (Some(Calls::Tasks), _) => (Verb::Configure, "task scheduler"),
        // [MS-RRP] §3.1.5: BaseRegCreateKey, DeleteKey, DeleteValue, SetValue and the like.
        (Some(Calls::Registry), 6 | 7 | 8 | 18 | 19 | 21..=23) => (Verb::Configure, "registry changed"),
        (Some(Calls::Registry), _) => (Verb::Discover, "registry read"),
        (Some(Calls::Activation), _) => (Verb::Associate, "DCOM activation"),
        (Some(Calls::EndpointMapper), _) => (Verb::Discover, "endpoint mapper"),
        (Some(Calls::Locator), _) => (Verb::Associate, "DCOM references"),
        _ => (Verb::Unknown, "remote procedure call"),
    }
}
