//! Where the page's server listens, and under which names it answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Child, Command};

use super::serve::Server;
use super::{ask, err, out};

/// What a process listens on, as the system has it.
fn listened(child: &Child) -> Vec<SocketAddr> {
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{}/fd", child.id()))
        .unwrap()
        .filter_map(|file| {
            fs::read_link(file.unwrap().path()).ok()?.into_os_string().into_string().ok()
        })
        .collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        // There is none where the system has no IPv6.
        let table = fs::read_to_string(format!("/proc/{}/net/{table}", child.id()));
        for line in table.unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // 0A is LISTEN.
            if fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9])) {
                found.push(address(fields[1]));
            }
        }
    }
    found
}

/// An address as `/proc/net/tcp` has it: words of four bytes in the processor's order, and the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let words = ip.as_bytes().chunks(8).map(|word| str::from_utf8(word).unwrap());
    let bytes: Vec<u8> =
        words.flat_map(|word| u32::from_str_radix(word, 16).unwrap().to_ne_bytes()).collect();
    let ip: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).unwrap().into(),
        _ => <[u8; 16]>::try_from(bytes).unwrap().into(),
    };
    (ip, u16::from_str_radix(port, 16).unwrap()).into()
}

/// The status of an answer to a request under a name, and what it says.
fn asked(address: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /networks HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    (response[9..12].parse().unwrap(), response)
}

#[test]
fn by_default_nobody_else_can_reach_it() {
    let server = Server::start(&["mlp"]);
    let address: SocketAddr = server.address.parse().unwrap();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    assert_eq!(listened(&server.child), [address]);
}

#[test]
fn it_listens_where_it_is_told_to_and_nowhere_else() {
    let six = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default().contains(" lo\n");
    for host in ["127.0.0.2", "::1"].into_iter().take(if six { 2 } else { 1 }) {
        let server = Server::start(&["mlp", "--host", host]);
        let address: SocketAddr = server.address.parse().unwrap();
        assert_eq!(address.ip().to_string(), host);
        assert_eq!(listened(&server.child), [address]);
        // As a browser does that opens what was printed.
        let (status, response) = asked(&server.address, &server.address);
        assert_eq!(status, 200, "{response}");
    }
}

/// A page elsewhere whose name was bent to this machine is refused (DNS rebinding).
#[test]
fn it_answers_under_the_names_that_were_given_and_no_other() {
    let all =
        ["box.example", "BOX.example:80", "192.0.2.7", "evil.example", "box.example.evil.example"];
    for (given, answered) in [
        (&["mlp"][..], 0),
        (&["mlp", "--name", "box.example"], 2),
        (&["mlp", "--name", "box.example", "--name", "192.0.2.7"], 3),
    ] {
        let server = Server::start(given);
        assert_eq!(asked(&server.address, &server.address).0, 200);
        for (place, host) in all.into_iter().enumerate() {
            let (status, response) = asked(&server.address, host);
            assert_eq!(status, if place < answered { 200 } else { 403 }, "{given:?}: {response}");
            assert!(status == 200 || response.contains("not known as"), "{response}");
        }
    }
}

#[test]
fn a_bad_host_or_name_ends_in_a_sentence() {
    // An address of documentation (RFC 5737), which is nobody's.
    for (arguments, code, told) in [
        (
            ["--host", "192.0.2.1"],
            1,
            "--host takes an address of this machine: failed to listen on 192.0.2.1:",
        ),
        (["--host", "localhost"], 2, "invalid value 'localhost' for '--host <ADDR>'"),
        (["--host", "127.0.0.1:80"], 2, "invalid value '127.0.0.1:80' for '--host <ADDR>'"),
        (["--name", "http://box.example"], 2, "'http://box.example' is not the name of a host"),
        (["--name", "box.example:8714"], 2, "'box.example:8714' is not the name of a host"),
        (["--name", "*"], 2, "'*' is not the name of a host"),
        (["--name", ""], 2, "--name"),
    ] {
        let output = ask().args(["serve", "mlp", "--port", "0"]).args(arguments).output().unwrap();
        assert_eq!((output.status.code(), &*out(&output)), (Some(code), ""), "{arguments:?}");
        assert!(err(&output).contains(told), "{arguments:?}: {}", err(&output));
    }
}

/// Nothing of what it prints says who may reach it, where that is nobody else.
#[test]
fn loopback_needs_no_warning() {
    let mut server = Server::start(&["mlp", "--host", "127.0.0.2"]);
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    server.child.wait().unwrap();
    let mut told = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.starts_with("Ctrl-C ends it\n"), "{told}");
}
