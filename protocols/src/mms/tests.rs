extern crate std;

use std::{vec, vec::Vec};

use super::*;
use crate::{
    Kind,
    iso::testing::{Flow, hex, withstands},
};
use Direction::{ToClient, ToServer};

fn packet(unit: &[u8]) -> Vec<u8> {
    let length = u16::try_from(unit.len() + 7).unwrap().to_be_bytes();
    let mut octets = vec![3, 0, length[0], length[1], 2, 0xf0, 0x80];
    octets.extend_from_slice(unit);
    octets
}

/// BER of one element with a short or a long length.
fn tlv(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let mut octets = tag.to_vec();
    match u8::try_from(content.len()) {
        Ok(length @ 0..0x80) => octets.push(length),
        Ok(length) => octets.extend([0x81, length]),
        Err(_) => {
            let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
            octets.extend([0x82, high, low]);
        }
    }
    octets.extend_from_slice(content);
    octets
}

/// An MMSpdu as session and presentation carry it (X.225 §8.3.12, X.226 §8.4.2).
fn data(mms: &str) -> Vec<u8> {
    let value = tlv(&[0xa0], &hex(mms));
    let list = [hex("02 01 03"), value].concat();
    packet(&[hex("01 00 01 00"), tlv(&[0x61], &tlv(&[0x30], &list))].concat())
}

/// Domain `D`, item as given.
fn name(item: &str) -> Vec<u8> {
    let inside = [hex("1a 01 44"), tlv(&[0x1a], item.as_bytes())].concat();
    tlv(&[0xa0], &tlv(&[0xa1], &inside))
}

fn write(invoke: u8, item: &str, value: &str) -> Vec<u8> {
    let list = tlv(&[0xa0], &tlv(&[0x30], &name(item)));
    let values = tlv(&[0xa0], &hex(value));
    let service = tlv(&[0xa5], &[list, values].concat());
    let unit = tlv(&[0xa0], &[vec![2, 1, invoke], service].concat());
    let text: std::string::String = unit.iter().map(|octet| std::format!("{octet:02x}")).collect();
    data(&text)
}

/// CN, CP, AARQ and initiate request as IEC 61850 clients send them (X.225 §8.3.1, X.226 §8.2, X.227 §9.1).
fn connect() -> Vec<u8> {
    let initiate = hex("a8 26 80 03 00 fd e8 81 01 0a 82 01 0a 83 01 05 a4 16 80 01 01 81 03 05 f1 00
        82 0c 03 ee 1c 00 00 04 08 00 00 79 ef 18");
    let external = tlv(&[0x28], &[hex("06 02 51 01 02 01 03"), tlv(&[0xa0], &initiate)].concat());
    let aarq = [hex("a1 07 06 05 28 ca 22 02 03"), tlv(&[0xbe], &external)].concat();
    let list = [hex("02 01 01"), tlv(&[0xa0], &tlv(&[0x60], &aarq))].concat();
    let contexts = hex("a4 23 30 0f 02 01 01 06 04 52 01 00 01 30 04 06 02 51 01
        30 10 02 01 03 06 05 28 ca 22 02 01 30 04 06 02 51 01");
    let parameters = tlv(&[0xa2], &[contexts, tlv(&[0x61], &tlv(&[0x30], &list))].concat());
    let cp = tlv(&[0x31], &[hex("a0 03 80 01 01"), parameters].concat());
    let user = [vec![193, u8::try_from(cp.len()).unwrap()], cp].concat();
    packet(&[vec![13, u8::try_from(user.len()).unwrap()], user].concat())
}

#[test]
fn a_connection_tells_the_association_and_the_initiate() {
    let mut flow = Flow::tcp(&Mms);
    assert_eq!(Mms.probe(ToServer, &connect(), Ports { server: 9, client: 1 }), Probe::Certain);
    let told = flow.feed(ToServer, &connect());
    let [association, initiate] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (association.protocol, association.field("application_context")),
        ("acse", "28ca220203".into())
    );
    assert_eq!(
        (initiate.protocol, initiate.kind, initiate.field("version")),
        ("mms", Kind::Request, "1".into())
    );
    assert_eq!(initiate.operations, ["associate 8/2 initiate (Asked)"]);
}

#[test]
fn a_control_is_an_operate_with_its_value_and_its_answer_too() {
    let mut flow = Flow::tcp(&Mms);
    let oper = "a2 0a 83 01 ff 86 01 03 84 02 06 00";
    let asked = flow.one(ToServer, &write(7, "XCBR1$CO$Pos$Oper", oper));
    assert_eq!((asked.field("domain_id"), asked.field("item_id")), ("D".into(), "XCBR1$CO$Pos$Oper".into()));
    assert_eq!((asked.field("confirmed_request"), asked.field("profile")), ("5".into(), "IEC 61850".into()));
    assert!(asked.operations[0].starts_with("operate 5 operate named "), "{:?}", asked.operations);
    assert!(asked.operations[0].ends_with(" = 255 (Asked)"), "{:?}", asked.operations);
    let done = flow.one(ToClient, &data("a1 07 02 01 07 a5 02 81 00"));
    assert!(done.operations[0].starts_with("operate 5 operate named "), "{:?}", done.operations);
    let refused = flow.one(ToServer, &write(8, "XCBR1$CO$Pos$Cancel", "83 01 00"));
    assert!(refused.operations[0].starts_with("operate 5 cancel"), "{:?}", refused.operations);
    let refused = flow.one(ToClient, &data("a1 08 02 01 08 a5 03 80 01 03"));
    assert_eq!(refused.field("access_error"), "3");
    assert!(refused.operations[0].ends_with("(Refused(3))"), "{:?}", refused.operations);
}

#[test]
fn a_report_names_its_list_and_values() {
    // ISO 9506-2 §14.9: variableListName [1] ObjectName, then the results.
    let report = "a3 14 a0 12 a1 05 80 03 52 50 54 a0 09 8a 01 78 86 01 05 80 01 0a";
    let told = Flow::tcp(&Mms).one(ToClient, &data(report));
    assert_eq!((told.kind, told.field("unconfirmed_service")), (Kind::Report, "0".into()));
    assert_eq!((told.field("name"), told.field("values")), ("RPT".into(), "x,5".into()));
    assert_eq!(told.field("access_error"), "10");
}

#[test]
fn errors_are_refusals_of_what_was_asked() {
    let mut flow = Flow::tcp(&Mms);
    // stop [41] of program invocation "P" (ISO 9506-2 §12.5), without session and presentation.
    let asked = flow.one(ToServer, &packet(&hex("a0 09 02 01 01 bf 29 03 80 01 50")));
    assert_eq!((asked.field("object"), asked.operations), ("P".into(), vec!["mode 41 stop (Asked)".into()]));
    let told = flow.one(ToClient, &packet(&hex("a2 0a 80 01 01 a2 05 a0 03 87 01 02")));
    assert_eq!((told.field("error_class"), told.field("error_code")), ("7".into(), "2".into()));
    assert_eq!(told.operations, ["mode 41 stop (Refused(1794))"]);
}

#[test]
fn broken_units_say_what_was_understood() {
    let mut flow = Flow::tcp(&Mms);
    assert_eq!(flow.one(ToServer, &data("a0 7f 02 01 01 a4 00")).anomalies, ["mms-cut"]);
    assert_eq!(flow.one(ToServer, &data("a0 02 a4 00")).anomalies, ["no-invoke-id"]);
    assert_eq!(flow.one(ToServer, &data("a0 03 02 01 01")).anomalies, ["no-service"]);
    assert_eq!(flow.one(ToServer, &packet(&hex("01 00 01 00 61 7f"))).anomalies, ["stack-cut"]);
}

#[test]
fn an_unanswered_scan_of_services_comes_out_whole_and_is_bounded() {
    let mut flow = Flow::tcp(&Mms);
    for service in 0..=127_u8 {
        let tag = if service < 31 { vec![0xa0 | service] } else { vec![0xbf, service] };
        let unit = tlv(&[0xa0], &[vec![2, 1, service], tlv(&tag, &[])].concat());
        let told = flow.one(ToServer, &packet(&[hex("01 00 01 00 61"), tlv(&[], &wrap(&unit))].concat()));
        assert_eq!(told.field("confirmed_request"), std::format!("{service}"));
        assert_eq!(told.anomalies.is_empty(), usize::from(service) < session::MAX_PENDING);
    }
    let mut session = session::MmsSession::default();
    for _ in 0..200 {
        let unit = hex("a0 05 02 01 01 82 00");
        iso::Upper::unit(&mut session, ToServer, &unit, &mut |_: &crate::Message<'_>| {});
        assert!(session.waiting() <= session::MAX_PENDING);
    }
}

fn wrap(unit: &[u8]) -> Vec<u8> {
    tlv(&[0x30], &[hex("02 01 03"), tlv(&[0xa0], unit)].concat())
}

#[test]
fn control_centres_are_told_apart() {
    // ICCP reads TASE2_Version of the device as a whole (IEC 60870-6-802 §6.1).
    let read = "a0 22 02 01 01 a4 1d a1 1b a0 19 30 17 a0 15 80 0d 54 41 53 45 32 5f 56 65 72 73 69 6f 6e 05 00 05 00 05 00";
    let told = Flow::tcp(&Mms).feed(ToServer, &data(read));
    assert_eq!(told[0].field("profile"), "TASE.2");
}

#[test]
fn nothing_breaks_it() {
    let conversation = vec![
        (ToServer, connect()),
        (ToServer, write(7, "XCBR1$CO$Pos$Oper", "a2 03 83 01 ff")),
        (ToClient, data("a1 07 02 01 07 a5 02 81 00")),
        (ToClient, data("a3 14 a0 12 a1 05 80 03 52 50 54 a0 09 8a 01 78 86 01 05 80 01 0a")),
        (ToServer, packet(&hex("a0 09 02 01 01 bf 29 03 80 01 50"))),
        (ToClient, packet(&hex("a2 0a 80 01 01 a2 05 a0 03 87 01 02"))),
    ];
    withstands(&Mms, Transport::Tcp, &conversation);
}
