use Direction::{ToClient, ToServer};

use super::*;
use crate::{Direction, plain::trial::holds};

#[test]
fn requests_follow_each_other_and_bodies_are_passed_over() {
    holds(
        &HTTP,
        Transport::Tcp,
        &[
            (ToServer, b"GET /status HTTP/1.1\r\nHost: plc\r\nAuthorization: Basic b3BzOnNlY3JldA==\r\n\r\nHEAD / HTTP/1.0\r\n\r\n"),
            (ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nHTTP\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
            (ToServer, b"POST /write HTTP/1.1\r\nContent-Length: 3\r\n\r\na=1"),
            (ToClient, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
        ],
        &[
            "http request method=GET uri=/status host=plc user=ops | read GET Asked",
            "http request method=HEAD uri=/ | read HEAD Asked",
            "http response status=200 | read GET Done",
            "http response status=200 content_length=9 | read HEAD Done",
            "http request method=POST uri=/write content_length=3 | write POST Asked",
            "http response status=403 content_length=0 | write POST Refused(403)",
        ],
    );
}

#[test]
fn an_upgraded_connection_says_no_more() {
    holds(
        &HTTP,
        Transport::Tcp,
        &[
            (ToServer, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
            (ToClient, b"HTTP/1.1 101 Switching\r\n\r\n\x81\x05GET / HTTP/1.1\r\n\r\n"),
            (ToServer, b"GET / HTTP/1.1\r\n\r\n"),
        ],
        &["http request method=GET uri=/ | read GET Asked", "http response status=101 | read GET Done"],
    );
}

#[test]
fn a_search_of_devices() {
    holds(
        &HTTP,
        Transport::Udp,
        &[(ToServer, b"M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nST: ssdp:all\r\n\r\n")],
        &["http request method=M-SEARCH uri=* host=239.255.255.250:1900 | discover M-SEARCH Asked"],
    );
}

#[test]
fn a_first_line_is_found_behind_a_gap_wherever_it_begins() {
    for (name, _) in head::METHODS {
        assert!(head::find(name.as_bytes(), |_| true) == Some(0), "{name} has no place among the fronts");
    }
    let found = |octets: &[u8]| head::find(octets, |_| true);
    assert_eq!(found(b"rest of a body GET / HTTP/1.1"), Some(15));
    assert_eq!(found(b"a bodyGET / HTTP/1.1"), Some(6), "a body may end anywhere");
    assert_eq!(found(b"0123FROB /x HTTP/1.1"), Some(4), "a method that nobody defined, known by its target");
    assert_eq!(found(b"HTTP/1.1 200 OK"), Some(0));
    assert_eq!(found(&[b'H'; 200]), Some(199), "cut behind its first letter");
    assert_eq!(found(b"NOTHING HERE"), None);
}
