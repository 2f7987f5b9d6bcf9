//! The page in a real browser, where the shipped networks answer.
//!
//! Ignored where tests run without one; `.ci/run` installs it and runs these.

#[expect(dead_code, reason = "it can do what the tests of the page need")]
#[path = "../../../crates/serve/tests/serve/browser/chromium.rs"]
mod chromium;
#[expect(dead_code, reason = "it can do what the tests of the page need")]
#[path = "../../../crates/serve/tests/serve/browser/page.rs"]
mod page;

use serde_json::Value;

use self::page::{DESK, FIRST, ONE, PHONE, SECOND, clean, draw, last_answer, lines, open, says};
use super::prediction;
use super::serve::Server;

/// What a line of the page has of `answer`.
fn agrees(line: &str, answer: &Value) {
    let probability = answer["probability"].as_f64().unwrap();
    let number = if probability > 0.0 && probability < 0.001 {
        "< 0.1".to_owned()
    } else if probability < 1.0 && probability > 0.999 {
        "> 99.9".to_owned()
    } else {
        format!("{:.1}", 100.0 * probability)
    };
    let said = if answer["holds"] == true { "first ≤ second" } else { "first > second" };
    assert!(line.contains(said), "{line} is not {answer}");
    assert!(line.contains(&format!("P(first ≤ second) {number}\u{a0}%")), "{line} is not {answer}");
    if answer["digits"].is_null() {
        assert!(line.contains("not trained to name"), "{line}");
        return;
    }
    for (place, which) in ["first", "second"].into_iter().enumerate() {
        let named = format!("{which}: {}, ", top(&answer["digits"][place]));
        assert!(line.contains(&named), "{line} is not {answer}");
    }
}

/// The likeliest digit.
fn top(digit: &Value) -> usize {
    let chances: Vec<f64> = digit.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    (0..10).max_by(|&a, &b| chances[a].total_cmp(&chances[b])).unwrap()
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn the_shipped_networks_answer_to_a_test_pair_as_predict_does() {
    let server = Server::start(&[]);
    let mut browser = open(&server.address, DESK);
    browser.click("#another");
    browser.until("document.querySelector('#truth').textContent !== ''");
    let pair = last_answer(&mut browser, "/samples/")["sample"]["index"].to_string();
    let lines = lines(&mut browser);
    assert_eq!(lines.len(), pairnet_models::names().count());
    for (line, name) in lines.iter().zip(pairnet_models::names()) {
        let seen = prediction(&[name, "--test-pair", &pair]);
        assert!(line.starts_with(&format!("{name}recipe paper")), "{line}");
        agrees(line, &seen);
        let right = seen["holds"] == seen["test_pair"]["holds"];
        assert!(line.contains(if right { "✓ right" } else { "✗ wrong" }), "{line} is not {seen}");
    }
    clean(&browser, &server.address);
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_drawn_one_and_seven_are_read_by_the_shipped_networks() {
    const SEVEN: [(f64, f64); 3] = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)];
    let server = Server::start(&[]);
    for look in [PHONE, DESK] {
        let mut browser = open(&server.address, look);
        draw(&mut browser, look, FIRST, &SEVEN);
        draw(&mut browser, look, SECOND, &ONE);
        browser.until(&says("networks say"));
        page::settled(&mut browser);
        let told = last_answer(&mut browser, "/answers");
        let lines = lines(&mut browser);
        let best = pairnet_models::names().position(|name| name == "lenet5-ws-al").unwrap();
        for (line, answer) in lines.iter().zip(told["answers"].as_array().unwrap()) {
            agrees(line, answer);
        }
        let best = &told["answers"][best];
        assert_eq!((&best["holds"], top(&best["digits"][0])), (&Value::Bool(false), 7), "{best}");
        assert_eq!(top(&best["digits"][1]), 1, "{best}");
        clean(&browser, &server.address);
    }
}
