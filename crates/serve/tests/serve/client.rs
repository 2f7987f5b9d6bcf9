//! A client that says exactly what it is told to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use pairnet_serve::limits::{DRAWING_SIDE, DRAWINGS};
use serde_json::Value;

/// Longer than the server lets anything take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// What the server says is wrong.
    pub(crate) fn error(&self) -> String {
        assert!(self.head.contains("content-type: application/json"), "{}", self.head);
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends `bytes`, and reads one response; `None` where the connection ends without one.
pub(crate) fn send(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = connect(address);
    // A server that has refused it may not read to the end.
    let _ = stream.write_all(bytes);
    receive(&mut stream)
}

pub(crate) fn receive(stream: &mut TcpStream) -> Option<Response> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) => return None,
            Err(error) => {
                let reset = error.kind() == std::io::ErrorKind::ConnectionReset;
                assert!(reset, "the server lets its client wait: {error}");
                return None;
            }
        }
    }
    let head = String::from_utf8(head).unwrap();
    let status = head[9..12].parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    Some(Response { status, head, body })
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap()
}

/// The bytes of a request for answers to `body`.
pub(crate) fn question(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend(body);
    bytes
}

/// Two drawings: bars of these widths, 60 pixels high.
pub(crate) fn drawings(widths: [usize; 2]) -> Vec<u8> {
    let mut drawings = vec![0; DRAWINGS];
    for (drawing, width) in drawings.chunks_exact_mut(DRAWINGS / 2).zip(widths) {
        for row in drawing.chunks_exact_mut(DRAWING_SIDE).skip(20).take(60) {
            row[10..10 + width].fill(255);
        }
    }
    drawings
}
