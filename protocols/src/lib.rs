//! Bytes to messages: link layers and fieldbus dissectors as total functions.
//!
//! Guarantees: whatever the bytes, a dissector answers with messages, anomalies, "need more" or "give up". It never
//! panics, never reads outside its input, and keeps no more memory than the cap its folder names. It has no clock
//! and does no I/O.
//!
//! Non-goals: whether a message is normal. That is judged in the engine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod ads;
pub mod anomaly;
pub mod arp;
pub mod bacnet;
pub mod bacnet_sc;
pub mod ber;
pub mod bsap;
pub mod c1222;
pub mod can;
pub mod cip;
pub mod cip_io;
pub mod codesys;
mod crc;
pub mod crimson;
pub mod cursor;
pub mod datagram;
pub mod dcerpc;
pub mod dhcp;
pub mod dissector;
pub mod dnp3;
pub mod dns;
pub mod egd;
pub mod ethercat;
pub mod ethersio;
pub mod ff_hse;
mod findings;
pub mod fins;
pub mod fox;
pub mod framed;
pub mod ftp;
pub mod ge_srtp;
pub mod genisys;
pub mod goose;
pub mod hart_ip;
pub mod http;
pub mod icmp;
pub mod iec104;
pub mod iso;
pub mod kerberos;
pub mod knxnet_ip;
pub mod link;
pub mod lldp;
pub mod lonworks;
pub mod melsec;
pub mod message;
pub mod mms;
pub mod modbus;
pub mod modbus_serial;
pub mod mqtt;
pub mod ntp;
pub mod opcua;
pub mod openvpn;
pub mod pcworx;
pub mod plain;
pub mod powerlink;
pub mod proconos;
pub mod profinet_cm;
pub mod profinet_dcp;
pub mod profinet_rt;
pub mod ptp;
pub mod rdp;
pub mod roc_plus;
pub mod s7comm;
pub mod s7comm_plus;
pub mod sercos;
pub mod sinec_h1;
pub mod smb1;
pub mod smb2;
pub mod snmp;
pub mod ssh;
pub mod stream;
pub mod sv;
pub mod synchrophasor;
pub mod syslog;
#[cfg(test)]
mod talk;
mod telling;
pub mod telnet;
#[cfg(test)]
mod testing;
pub mod tftp;
pub mod tls;
#[cfg(test)]
mod trial;
pub mod tristation;
pub mod vnc;

pub use anomaly::{Anomaly, Blame};
pub use cursor::Cursor;
pub use dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session, Step};
pub use message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink};

/// Every dissector, in the order in which probes are tried.
pub static DISSECTORS: &[&dyn Dissector] = &[
    &modbus::Modbus,
    &s7comm::S7comm,
    &s7comm_plus::S7commPlus,
    &mms::Mms,
    &cip::Cip,
    &cip_io::CipIo,
    &dnp3::Dnp3,
    &iec104::Iec104,
    &synchrophasor::Synchrophasor,
    &c1222::C1222,
    &bsap::Bsap,
    &genisys::Genisys,
    &opcua::OpcUa,
    &bacnet::BacnetIp,
    &bacnet_sc::BacnetSc,
    &goose::Goose,
    &sv::SampledValues,
    &ads::Ads,
    &fins::Fins,
    &melsec::Melsec,
    &ge_srtp::GeSrtp,
    &egd::Egd,
    &hart_ip::HartIp,
    &ff_hse::FfHse,
    &knxnet_ip::KnxnetIp,
    &profinet_cm::ProfinetCm,
    &pcworx::PcWorx,
    &proconos::ProConOs,
    &fox::Fox,
    &crimson::Crimson,
    &codesys::Codesys,
    &lonworks::LonWorks,
    &roc_plus::RocPlus,
    &modbus_serial::ModbusSerial,
    &tristation::TriStation,
    &dcerpc::Dcerpc,
    &tls::TLS,
    &openvpn::OpenVpn,
    &ssh::SSH,
    &http::HTTP,
    &mqtt::MQTT,
    &smb1::SMB1,
    &smb2::SMB2,
    &vnc::VNC,
    &rdp::RDP,
    &kerberos::KERBEROS,
    &ftp::FTP,
    &telnet::TELNET,
    &dns::DNS,
    &dhcp::DHCP,
    &snmp::SNMP,
    &tftp::TFTP,
    &ntp::NTP,
    &syslog::SYSLOG,
    &arp::Arp,
    &icmp::Icmp,
    &lldp::Lldp,
    &ptp::Ptp,
    &ethercat::EtherCat,
    &powerlink::Powerlink,
    &sinec_h1::SinecH1,
    &profinet_dcp::Dcp,
    &profinet_rt::RealTime,
    &can::Can,
    &sercos::Sercos,
    &ethersio::EtherSio,
];

/// The dissector that tells messages of a protocol, by the protocol's name.
#[must_use]
pub fn dissector(name: &str) -> Option<&'static dyn Dissector> {
    protocol(name).map(|(_, dissector)| dissector)
}

/// A protocol by its name, and the dissector that tells its messages.
#[must_use]
pub fn protocol(name: &str) -> Option<(Protocol, &'static dyn Dissector)> {
    let mut spoken = DISSECTORS.iter().flat_map(|&dissector| {
        let own = core::iter::once(dissector.protocol());
        own.chain(dissector.beneath().iter().copied()).map(move |protocol| (protocol, dissector))
    });
    spoken.find(|(protocol, _)| protocol.name() == name)
}
