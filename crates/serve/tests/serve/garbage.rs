//! Clients that send what they please.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use pairnet_serve::limits::{CONNECTIONS, DRAWINGS};
use proptest::prelude::*;
use serde_json::json;

use crate::client::{connect, drawings, question, receive, send};
use crate::stand::Stand;

/// A client is rid of the server, or the server of it, within this.
const BOUND: Duration = Duration::from_secs(30);

/// A way to be a bad client.
type Bad = fn(SocketAddr);

/// What each gets is a status of 4xx, or the end of the connection.
fn refused(address: SocketAddr, bytes: &[u8]) {
    if let Some(response) = send(address, bytes) {
        assert!((400..500).contains(&response.status), "{response:?}");
    }
}

/// Sends until the server ends it, or `BOUND` is over, which it must not be.
fn endless(address: SocketAddr, head: &str, more: &[u8]) {
    let begun = Instant::now();
    let mut stream = connect(address);
    stream.write_all(head.as_bytes()).unwrap();
    while stream.write_all(more).is_ok() {
        assert!(begun.elapsed() < BOUND, "a server reads without end");
    }
}

const OCTETS: &str =
    "POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n";

const BAD: [Bad; 12] = [
    |address| refused(address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no TLS here\r\n\r\n"),
    |address| refused(address, b"\0\0\0\0\r\n\r\n\r\n"),
    |address| refused(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    // Half a header, and nothing more.
    |address| assert!(send(address, b"GET / HTTP/1.1\r\nHos").is_none()),
    |address| {
        let long = "a".repeat(1 << 20);
        refused(
            address,
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nLong: {long}\r\n\r\n").as_bytes(),
        );
    },
    |address| refused(address, format!("GET /{} HTTP/1.1\r\n", "a".repeat(100_000)).as_bytes()),
    |address| {
        let many = "A: b\r\n".repeat(1000);
        refused(address, format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes());
    },
    // Less than was announced, and then silence.
    |address| {
        let response =
            send(address, format!("{OCTETS}Content-Length: 25088\r\n\r\nabc").as_bytes());
        assert_eq!(response.unwrap().status, 408);
    },
    |address| refused(address, format!("{OCTETS}Content-Length: -5\r\n\r\nabc").as_bytes()),
    |address| {
        let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
        endless(address, &format!("{OCTETS}Transfer-Encoding: chunked\r\n\r\n"), chunk.as_bytes());
    },
    |address| endless(address, "GET / HTTP/1.1\r\nHost: localhost\r\n", b"A: b\r\n"),
    // Asks and asks, and reads nothing of what it is told.
    |address| {
        let mut stream = connect(address);
        stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        for _ in 0..50 {
            if stream.write_all(&question(&drawings([9, 5]))).is_err() {
                break;
            }
        }
    },
];

#[test]
fn a_hundred_at_once_of_which_half_are_garbage_and_the_good_are_answered() {
    let stand = Stand::new();
    let address = stand.address;
    let begun = Instant::now();
    let together = Barrier::new(100);
    thread::scope(|scope| {
        for index in 0..50 {
            let together = &together;
            scope.spawn(move || {
                together.wait();
                BAD[index % BAD.len()](address);
            });
            scope.spawn(move || {
                let widths = if index % 2 == 0 { [60, 20] } else { [20, 60] };
                together.wait();
                let response = send(address, &question(&drawings(widths))).unwrap();
                assert_eq!(response.status, 200, "{response:?}");
                assert_eq!(response.json()["answers"][1]["holds"], json!(index % 2 == 1));
            });
        }
    });
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let response = send(address, &question(&drawings([20, 60]))).unwrap();
    assert_eq!(response.json()["answers"][0]["holds"], json!(true));
}

/// One more than there are places, each of which says nothing: the good one waits until they are left.
#[test]
fn places_that_are_taken_are_free_again() {
    let stand = Stand::new();
    let silent: Vec<_> = (0..=CONNECTIONS).map(|_| connect(stand.address)).collect();
    let begun = Instant::now();
    assert_eq!(crate::client::get(stand.address, "/networks").status, 200);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    drop(silent);
}

/// Words that requests are made of, and some that they are not.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"GET "[..],
        b"POST ",
        b"CONNECT ",
        b"/",
        b"/answers",
        b"/samples/",
        b"%",
        b" HTTP/1.1",
        b" HTTP/1.0",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"Host: localhost\r\n",
        b"Host: \xff\r\n",
        b"Content-Length: 10\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Type: application/octet-stream\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
    ]);
    prop_oneof![
        8 => known.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

/// A request that HTTP knows, with anything in it that has a place there.
fn request() -> impl Strategy<Value = (String, Vec<u8>)> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "X"]);
    let path = prop_oneof![
        Just("/answers".to_owned()),
        "/[a-z0-9%./?&=~-]{0,30}",
        "/samples/[0-9a-f%+-]{0,25}",
    ];
    let host = prop_oneof![4 => Just("localhost".to_owned()), 1 => "[!-~]{0,20}"];
    let kind = prop_oneof![4 => Just("application/octet-stream".to_owned()), 1 => "[ -~]{0,30}"];
    let length = prop_oneof![Just(DRAWINGS), 0..100_usize, Just(DRAWINGS + 1)];
    let body = (length, any::<u8>(), 0..DRAWINGS).prop_map(|(length, level, place)| {
        let mut body = vec![0; length];
        body.iter_mut().skip(place).step_by(7).for_each(|pixel| *pixel = level);
        body
    });
    (method, path, host, kind, body).prop_map(|(method, path, host, kind, body)| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        (head, body)
    })
}

#[test]
fn no_bytes_harm_the_server() {
    let stand = Stand::new();
    let address = stand.address;
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() };
    proptest!(config, |(words in prop::collection::vec(word(), 0..20))| {
        let mut stream = connect(address);
        let _ = stream.write_all(&words.concat());
        // No more comes: the server has nothing to wait for.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        prop_assert!(told.is_empty() || told.starts_with(b"HTTP/1."), "{told:?}");
    });
    let response = send(address, &question(&drawings([20, 60]))).unwrap();
    assert_eq!(response.json()["answers"][0]["holds"], json!(true));
}

#[test]
fn every_request_is_answered_in_json_or_by_the_page() {
    let stand = Stand::new();
    let address = stand.address;
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() };
    proptest!(config, |((head, body) in request())| {
        let mut stream = connect(address);
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(&body);
        if head.starts_with("HEAD") {
            return Ok(());
        }
        let response = receive(&mut stream).unwrap();
        let status = response.status;
        prop_assert!(status == 200 || (400..500).contains(&status), "{head}{response:?}");
        if status != 200 {
            prop_assert!(response.error().len() > 10, "{response:?}");
        }
    });
}
