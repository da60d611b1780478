//! Lists as tools write them, and values told by them.

use fieldwarden_model::{Operation, Outcome, PointRange, Value, operation::Encoding};
use fieldwarden_protocols::dissector;

use super::{Tag, Tags, octets_of, read};
use crate::{
    bench::{Bench, HMI, PLC, read as read_of, talker, write},
    history::Shape,
};

const OWN: &str = "\
address,name,type,word order,scale,unit
40101,Chlorine.Setpoint,float32,,,mg/l
40103,Level,int16,,0.1,%
40104,Flow,uint32,low,,l/h
00005,Pump,bool,,,
DB1.DBD4,Filter.Pressure,REAL,,,bar
";

fn line(tag: &Tag) -> String {
    let mut points = String::new();
    dissector(tag.protocol.name()).unwrap().notation().write(&tag.points, &mut points).unwrap();
    format!("{} {} {points}", tag.name, tag.protocol)
}

fn lines(text: &str) -> Vec<String> {
    read(text).unwrap().iter().map(line).collect()
}

fn change(
    tags: &Tags,
    protocol: &str,
    points: &str,
    encoding: Encoding,
    new: &[u8],
    old: &[u8],
) -> Option<String> {
    let dissector = dissector(protocol).unwrap();
    let points = dissector.notation().read(points).unwrap();
    let width = encoding.width().unwrap();
    let count = u32::try_from(new.len() / width).unwrap();
    let span = points.last - points.first + 1;
    let stride = u16::try_from(span / u64::from(count)).unwrap();
    let shape = Shape { encoding, count, stride };
    tags.change(talker("10.0.0.20"), dissector.protocol(), points, (shape, new), old)
}

fn own() -> Tags {
    let mut tags = Tags::default();
    tags.add(&[talker("10.0.0.20")], &read(OWN).unwrap());
    tags
}

#[test]
fn a_list_of_our_own_is_read() {
    let told = [
        "Chlorine.Setpoint modbus 40101-40102",
        "Level modbus 40103",
        "Flow modbus 40104-40105",
        "Pump modbus 00005",
        "Filter.Pressure s7comm DB1.DBB4-7",
    ];
    assert_eq!(lines(OWN), told);
}

#[test]
fn exports_are_known_by_their_header_and_what_has_no_address_is_passed_over() {
    let tia = "Name;Path;Data Type;Logical Address;Comment\n\
               \"Start; pump\";Tags;Bool;%M0.1;\nSetpoint;Tags;Real;%MD20;\nTimer;Tags;Timer;%T1;\nIn;Tags;Int;%EW4;\n";
    assert_eq!(lines(tia), ["Start; pump s7comm M0.1", "Setpoint s7comm MB20-23", "In s7comm IB4-5"]);
    let logix = "remark,\"CSV-Import-Export\"\n0.3\nTYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES\n\
                 TAG,,Setpoint,\"\",\"REAL\",\"\",\"\"\nALIAS,,Other,\"\",\"\",\"Setpoint\",\"\"\nTAG,Main,Level,\"\",\"DINT\",\"\",\"\"\n";
    let names: Vec<String> = read(logix).unwrap().into_iter().map(|tag| tag.name).collect();
    assert_eq!(names, ["Setpoint", "Level"]);
    let unity = "Name\tType\tAddress\tComment\nFlow\tREAL\t%MW100\t\nRun\tEBOOL\t%M5\t\nLocal\tINT\t\t\n";
    assert_eq!(lines(unity), ["Flow modbus 40101-40102", "Run modbus 00006"]);
}

#[test]
fn faults_have_their_line_and_a_way_out() {
    let faults = read("address,name,type\n40101,A,float33\n50101,B,int16\n40101,,int16\n40001,C,int16,\n")
        .unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.line, fault.message)).collect();
    assert_eq!(
        told,
        [
            "2: `float33` is no type of a tag",
            "3: `50101` is no address of this type",
            "4: the tag has no name"
        ]
    );
    assert!(faults.iter().all(|fault| !fault.help.is_empty()));
    assert_eq!(read("hello\nworld\n").unwrap_err()[0].message, "there is no line that names the columns");
}

#[test]
fn two_registers_that_are_one_number_are_one_value() {
    let new = 4.0_f32.to_be_bytes();
    let old = 0.8_f32.to_be_bytes();
    let told = change(&own(), "modbus", "40101-40102", Encoding::Unsigned16, &new, &old);
    assert_eq!(told.as_deref(), Some("Chlorine.Setpoint 0.8 -> 4 mg/l"));
    let both = [&new[..], &[0x03, 0xe7], &[0x00, 0x01, 0x00, 0x02]].concat();
    let told = change(&own(), "modbus", "40101-40105", Encoding::Unsigned16, &both, &[]);
    assert_eq!(told.as_deref(), Some("Chlorine.Setpoint 4 mg/l, Level 99.9 %, Flow 131073 l/h"));
    let half = change(&own(), "modbus", "40101", Encoding::Unsigned16, &[0, 0], &[]);
    assert_eq!(half, None, "half a number is none");
}

#[test]
fn octets_and_numbers_of_s7_are_told_by_the_list() {
    let new = 2.5_f32.to_be_bytes();
    let told = change(
        &own(),
        "s7comm",
        "DB1.DBB4-7",
        Encoding::Float32,
        &new,
        &octets_of(&[Value::Float(2.0)], Encoding::Float32),
    );
    assert_eq!(told.as_deref(), Some("Filter.Pressure 2 -> 2.5 bar"));
}

#[test]
fn values_seen_before_are_the_octets_that_carried_them() {
    assert_eq!(octets_of(&[Value::Integer(-2), Value::Integer(513)], Encoding::Signed16), [0xff, 0xfe, 2, 1]);
    assert_eq!(octets_of(&[Value::Integer(513)], Encoding::Unsigned16Little), [1, 2]);
    assert_eq!(
        octets_of(&[Value::Integer(1), Value::Integer(0), Value::Integer(1)], Encoding::BitsLeastFirst),
        [5]
    );
}

#[test]
fn a_bit_is_told_out_of_its_coil() {
    let points = dissector("modbus").unwrap().notation().read("00005").unwrap();
    let shape = Shape { encoding: Encoding::BitsLeastFirst, count: 1, stride: 1 };
    let modbus = dissector("modbus").unwrap().protocol();
    let wide = PointRange { last: points.last, ..points };
    assert_eq!(
        own().change(talker("10.0.0.20"), modbus, wide, (shape, &[1]), &[0]).as_deref(),
        Some("Pump 0 -> 1")
    );
    assert_eq!(own().change(talker("10.0.0.21"), modbus, wide, (shape, &[1]), &[0]), None, "another device");
}

#[test]
fn alerts_and_writes_say_names_values_and_units() {
    let mut bench =
        Bench::new().named("address,name,type,scale,unit\n40105,Chlorine.Setpoint,int16,0.1,mg/l\n");
    let polled =
        Operation { outcome: Outcome::Done, values: write("40105", &[0, 8]).values, ..read_of("40105") };
    bench.asks(HMI, PLC, &read_of("40105"));
    bench.answers(HMI, PLC, &polled).asks(HMI, PLC, &write("40105", &[0, 40]));
    assert!(bench.last().summary.ends_with(" (Chlorine.Setpoint 0.8 -> 4 mg/l)"), "{}", bench.last().summary);
    assert_eq!(bench.writes.last().unwrap().tags.as_deref(), Some("Chlorine.Setpoint 0.8 -> 4 mg/l"));
}
