//! The page's server, from its start to Ctrl-C.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use pairnet_data::Mnist;
use serde_json::Value;

use super::pictures::{drawn, three_and_seven};
use super::{ask, err, prediction};

/// A server, which ends with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    /// As it has printed it, without `http://`.
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let ask = ask();
        // Signals as they are by default, whatever the tests' own caller ignores.
        let mut command = Command::new("env");
        command.args(["--default-signal=INT,TERM", "--"]).arg(ask.get_program());
        command.envs(ask.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["serve", "--port", "0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap_or_default().to_owned();
        Self { child, address }
    }

    fn send(&self, request: &[u8]) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    fn get(&self, path: &str) -> Value {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        self.send(request.as_bytes())
    }

    fn post(&self, body: &[u8]) -> Value {
        let mut request = format!(
            "POST /answers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        self.send(&request)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of the answers, what predict has too.
fn agree(answer: &Value, seen: &Value) {
    for key in ["probability", "holds", "digits"] {
        assert_eq!(answer[key], seen[key], "{key} of {}", seen["network"]);
    }
    assert!(answer["error"].is_null());
}

#[test]
fn its_answers_are_those_of_predict() {
    let server = Server::start(&[]);
    let networks = server.get("/networks");
    assert_eq!(networks["samples"], 5000);
    let names: Vec<&str> = pairnet_models::names().collect();
    let served: Vec<&str> = networks["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["name"].as_str().unwrap())
        .collect();
    assert_eq!(served, names);
    assert_eq!(networks["networks"][0]["recipe"], "paper");

    let sample = server.get("/samples/3");
    let folder = tempfile::tempdir().unwrap();
    let (digits, mut body, mut paths) = (Mnist::shipped().unwrap().test, Vec::new(), Vec::new());
    for index in three_and_seven(&digits) {
        let picture = drawn(&digits, index, 4, false);
        let path = folder.path().join(format!("{index}.png"));
        picture.save(&path).unwrap();
        paths.push(path.display().to_string());
        body.extend(picture.into_raw());
    }
    let drawing = server.post(&body);
    for (place, name) in names.iter().enumerate() {
        let seen = prediction(&[name, "--test-pair", "3"]);
        assert_eq!(sample["sample"]["classes"], seen["test_pair"]["classes"]);
        agree(&sample["answers"][place], &seen);
        agree(&drawing["answers"][place], &prediction(&[*name, &paths[0], &paths[1]]));
    }
}

#[test]
fn it_ends_by_the_signal_that_it_got() {
    let mut server = Server::start(&["mlp"]);
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
    let id = server.child.id().to_string();
    // No caller of the tests ignores this one.
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_port_that_is_taken_and_a_file_that_is_no_network_end_in_a_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, told) in [
        (["mlp", "--port", &port], "--port 0 takes"),
        (["mlp", "none", "--port=0"], "to read none"),
    ] {
        let output = ask().arg("serve").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        assert!(output.stdout.is_empty());
        assert!(err(&output).contains(told), "{}", err(&output));
    }
}
