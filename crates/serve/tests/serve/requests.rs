//! What is asked rightly, what wrongly, and what each is told.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use pairnet_serve::limits::{DRAWINGS, DROPPED, HEADERS_WITHIN};
use pairnet_serve::{Answer, Network, Samples, ServeError, Served, listen, serve};
use serde_json::json;

use crate::client::{connect, drawings, get, question, receive, send};
use crate::stand::{SAMPLES, Stand, ink, sample, served};

#[test]
fn drawings_are_answered_by_every_network() {
    let stand = Stand::new();
    // As high as wide, and three times as high: the box holds 20×20 and 20×7 pixels of ink.
    let response = send(stand.address, &question(&drawings([60, 20]))).unwrap();
    assert_eq!(response.status, 200, "{response:?}");
    let told = response.json();
    let lit = |which: usize| {
        let levels = told["digits"][which].as_array().unwrap();
        assert_eq!(levels.len(), 784);
        levels.iter().filter(|level| **level == 255).count()
    };
    assert_eq!((lit(0), lit(1)), (400, 140));
    let sum = |which: usize| -> f64 {
        let seen = told["seen"][which].as_array().unwrap();
        assert_eq!(seen.len(), 196);
        seen.iter().map(|level| level.as_f64().unwrap()).sum()
    };
    assert_eq!((sum(0), sum(1)), (100.0 * 255.0, 35.0 * 255.0));
    assert_eq!(told["sample"], json!(null));

    let expected = 1.0 / (1.0 + (-10.0 * (140.0 - 400.0) / 784.0_f64).exp());
    let answers = told["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 3);
    for answer in &answers[..2] {
        let probability = answer["probability"].as_f64().unwrap();
        assert!((probability / expected - 1.0).abs() < 1e-12, "{probability} is not {expected}");
        assert_eq!((&answer["holds"], &answer["error"]), (&json!(false), &json!(null)));
    }
    assert_eq!(answers[0]["digits"], json!(null));
    // 51 and 17 hundredths of ink.
    assert_eq!(answers[1]["digits"][0][1], json!(0.82));
    assert_eq!(answers[1]["digits"][1][7], json!(0.82));
    let broken =
        json!({ "probability": null, "holds": null, "digits": null, "error": "it is broken" });
    assert_eq!(answers[2], broken);
}

#[test]
fn samples_come_with_what_they_show_and_their_answers() {
    let stand = Stand::new();
    let described = get(stand.address, "/networks").json();
    assert_eq!(described["samples"], json!(SAMPLES));
    let first = json!({ "name": "ink", "recipe": "by-hand", "note": "never trained" });
    assert_eq!(described["networks"][0], first);
    assert_eq!(described["networks"].as_array().unwrap().len(), 3);

    let told = get(stand.address, "/samples/38").json();
    let expected = sample(38);
    assert_eq!(told["sample"], json!({ "index": 38, "classes": [8, 3] }));
    for (which, digit) in expected.digits.iter().enumerate() {
        // To the last level: nothing was cropped, nor centred.
        assert_eq!(told["digits"][which], json!(digit.to_vec()));
    }
    assert!(ink(&expected.digits[0]) > ink(&expected.digits[1]));
    assert_eq!(told["answers"][0]["holds"], json!(false));
}

#[test]
fn the_page_may_ask_for_nothing_but_its_servers_answers() {
    let stand = Stand::new();
    let page = get(stand.address, "/");
    assert_eq!(page.status, 200);
    for header in [
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'none'; script-src 'sha256-",
    ] {
        assert!(page.head.contains(header), "{header} is not in {}", page.head);
    }
    assert!(!page.head.contains("unsafe"), "{}", page.head);
    let html = String::from_utf8(page.body).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"));
    let icon = get(stand.address, "/icon.svg");
    assert!(icon.head.contains("image/svg+xml") && icon.head.contains("default-src 'none'"));
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let stand = Stand::new();
    let ask = |request: &str| send(stand.address, request.as_bytes()).unwrap();
    let octets = "Content-Type: application/octet-stream\r\n";
    let blank_second = drawings([60, 0]);
    for (request, status, words) in [
        ("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 404, "/nothing"),
        ("GET /samples HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 404, "/samples/0"),
        ("GET /samples/100 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 404, "100 pairs"),
        ("GET /samples/-1 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 400, "\"-1\""),
        ("GET /samples/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 400, "0 to 9"),
        (
            format!("GET /samples/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "9".repeat(400)),
            404,
            "counted from 0",
        ),
        ("OPTIONS /answers HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 405, "use POST"),
        ("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 405, "use GET"),
        ("GET /answers HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 405, "use POST"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, "Host"),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n".to_owned(),
            400,
            "one Host",
        ),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), 403, "evil.example"),
        (
            "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            403,
            "evil.example",
        ),
        (
            format!(
                "POST /answers HTTP/1.1\r\nHost: evil.example\r\n{octets}Content-Length: 3\r\n\r\nabc"
            ),
            403,
            "by its address",
        ),
        (
            "POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".to_owned(),
            415,
            "send application/octet-stream",
        ),
        (
            "POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
             Content-Length: 3\r\n\r\nabc"
                .to_owned(),
            415,
            "text/plain",
        ),
        (
            format!(
                "POST /answers HTTP/1.1\r\nHost: localhost\r\n{octets}Content-Length: 3\r\n\r\nabc"
            ),
            400,
            "3 bytes are not two drawings",
        ),
        (
            format!(
                "POST /answers HTTP/1.1\r\nHost: localhost\r\n{octets}Transfer-Encoding: chunked\r\n\r\n\
                 x\r\nabc"
            ),
            400,
            "the body: ",
        ),
        (
            format!(
                "POST /answers HTTP/1.1\r\nHost: localhost\r\n{octets}Content-Length: {}\r\n\r\n{}",
                DRAWINGS + 1,
                "a".repeat(DRAWINGS + 1)
            ),
            413,
            "too long",
        ),
        (
            format!(
                "POST /answers HTTP/1.1\r\nHost: localhost\r\n{octets}Content-Length: {}\r\n\r\n",
                DROPPED + 1
            ),
            413,
            "25088 bytes",
        ),
    ] {
        let response = ask(&request);
        let line = request.lines().next().unwrap();
        assert_eq!(response.status, status, "{line}: {response:?}");
        let error = response.error();
        assert!(error.contains(words), "{line}: {error}");
    }
    let response = send(stand.address, &question(&blank_second)).unwrap();
    assert_eq!(
        (response.status, response.error().contains("second drawing is blank")),
        (422, true)
    );
    let response = send(stand.address, &question(&vec![255; DRAWINGS])).unwrap();
    assert_eq!((response.status, response.error().contains("first drawing is blank")), (422, true));
    let allow = ask("PUT /answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").head;
    assert!(allow.contains("allow: POST"), "{allow}");
}

#[test]
fn a_name_that_was_given_is_answered() {
    let stand = Stand::of(Served { hosts: vec!["box.example".parse().unwrap()], ..served() });
    for (host, status) in [("box.example:80", 200), ("[::1]", 200), ("other.example", 403)] {
        let request = format!("GET /networks HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(send(stand.address, request.as_bytes()).unwrap().status, status, "{host}");
    }
}

#[test]
fn one_connection_carries_many_requests() {
    let stand = Stand::new();
    let mut stream = connect(stand.address);
    let mut all = question(&drawings([60, 20]));
    all.extend(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    all.extend(question(&drawings([20, 60])));
    stream.write_all(&all).unwrap();
    let (first, second, third) = (receive(&mut stream), receive(&mut stream), receive(&mut stream));
    assert_eq!(first.unwrap().json()["answers"][0]["holds"], json!(false));
    assert_eq!(second.unwrap().status, 404);
    assert_eq!(third.unwrap().json()["answers"][0]["holds"], json!(true));
}

#[test]
fn a_client_that_says_nothing_is_left() {
    let stand = Stand::new();
    let begun = Instant::now();
    let mut idle = connect(stand.address);
    let mut half = connect(stand.address);
    half.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    for stream in [&mut idle, &mut half] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let waited = begun.elapsed();
        assert!(waited >= HEADERS_WITHIN - Duration::from_secs(1), "{waited:?}");
        assert!(waited < HEADERS_WITHIN + Duration::from_secs(10), "{waited:?}");
    }
}

/// A panic in what was handed in is told to the one who asked.
#[test]
fn a_network_that_panics_ends_its_request_alone() {
    let answer: fn(&_) -> _ = |pair: &[[u8; 784]; 2]| {
        assert!(pair[0][0] == 0, "a corner is lit");
        Ok(Answer { probability: 1.0, digits: None })
    };
    let fragile = Network {
        name: "fragile".to_owned(),
        recipe: String::new(),
        note: String::new(),
        answer: Box::new(answer),
    };
    let mut lit = sample(11);
    lit.digits[0][0] = 9;
    let pair = move |index| if index == 0 { lit.clone() } else { sample(index) };
    let samples = Samples { count: 2, pair: Box::new(pair) };
    let stand = Stand::of(Served { networks: vec![fragile], samples, hosts: Vec::new() });
    let failed = get(stand.address, "/samples/0");
    assert_eq!((failed.status, failed.error().contains("failed on this pair")), (500, true));
    assert_eq!(get(stand.address, "/samples/1").json()["answers"][0]["probability"], json!(1.0));
}

#[test]
fn a_stop_ends_it_at_once_whoever_is_connected() {
    let stand = Stand::new();
    let mut idle: Vec<_> = (0..20).map(|_| connect(stand.address)).collect();
    idle[0]
        .write_all(b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    assert_eq!(get(stand.address, "/networks").status, 200);
    let address = stand.address;
    let begun = Instant::now();
    drop(stand);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    // The address is free again.
    drop(Stand::on(listen(address).unwrap(), served()));
}

#[test]
fn what_cannot_start_says_why() {
    let taken = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = listen(taken.local_addr().unwrap()).unwrap_err();
    let words = format!("failed to listen on {}: ", taken.local_addr().unwrap());
    assert!(error.to_string().starts_with(&words), "{error}");
    let nobody = Served { networks: Vec::new(), ..served() };
    let stop = std::sync::atomic::AtomicBool::new(false);
    assert!(matches!(serve(taken, nobody, &stop), Err(ServeError::NoNetworks)));
}
