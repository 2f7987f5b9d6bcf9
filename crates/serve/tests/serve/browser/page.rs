//! The page as the one who draws on it has it, whatever networks answer: where things are, and what is
//! read off it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::chromium::{Browser, Look};

pub(crate) const PHONE: Look =
    Look { width: 360, height: 740, phone: true, dark: false, still: false };
pub(crate) const DESK: Look =
    Look { width: 1280, height: 900, phone: false, dark: false, still: false };
pub(crate) const LOOKS: [Look; 4] =
    [PHONE, Look { dark: true, still: true, ..PHONE }, DESK, Look { dark: true, ..DESK }];

pub(crate) const FIRST: &str = ".field:first-child .ink";
pub(crate) const SECOND: &str = ".field:last-child .ink";

/// The page of the server at `address`, with its networks' lines.
pub(crate) fn open(address: &str, look: Look) -> Browser {
    let mut browser = Browser::open(&format!("http://{address}/"), look);
    browser.until("document.querySelectorAll('#answers > li').length > 0");
    browser
}

/// Draws lines from point to point (from 0 to 1 across the field), as the look has it.
pub(crate) fn draw(browser: &mut Browser, look: Look, field: &str, points: &[(f64, f64)]) {
    let (x, y, width) = browser.place(field);
    let place = |(a, b): (f64, f64)| (x + (a - 0.5) * width, y + (b - 0.5) * width);
    for (step, &point) in points.iter().enumerate() {
        let first = step == 0;
        if look.phone {
            browser.touch(if first { "touchStart" } else { "touchMove" }, &[place(point)]);
        } else {
            browser.mouse(if first { "mousePressed" } else { "mouseMoved" }, place(point), None);
        }
    }
    if look.phone {
        browser.touch("touchEnd", &[]);
    } else {
        browser.mouse("mouseReleased", place(points[points.len() - 1]), None);
    }
}

pub(crate) const ONE: [(f64, f64); 3] = [(0.5, 0.2), (0.48, 0.5), (0.45, 0.8)];
/// So close that there is more ink than page.
pub(crate) const BLOT: [(f64, f64); 8] = [
    (0.2, 0.3),
    (0.8, 0.3),
    (0.8, 0.38),
    (0.2, 0.38),
    (0.2, 0.46),
    (0.8, 0.46),
    (0.8, 0.54),
    (0.2, 0.54),
];

/// The server's answer that came last to a path with this beginning.
pub(crate) fn last_answer(browser: &mut Browser, path: &str) -> Value {
    // Events come with the answers to calls.
    browser.value("0");
    let has = |event: &&Value| {
        let url = event["params"]["response"]["url"].as_str().unwrap_or("");
        event["method"] == "Network.responseReceived" && url.contains(path)
    };
    let id = browser.events.iter().rfind(has).unwrap()["params"]["requestId"].clone();
    let body = browser.call("Network.getResponseBody", &json!({ "requestId": id }));
    serde_json::from_str(body["body"].as_str().unwrap()).unwrap()
}

/// What the lines of the page say, one string each.
pub(crate) fn lines(browser: &mut Browser) -> Vec<String> {
    let script = "[...document.querySelectorAll('#answers > li')].map((line) => line.textContent)";
    let found = browser.value(script);
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// Nothing was asked of anyone else, and nothing complained.
pub(crate) fn clean(browser: &Browser, address: &str) {
    let home = format!("http://{address}/");
    for url in browser.asked() {
        assert!(url.starts_with(&home), "asked for {url}");
    }
    assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
}

pub(crate) fn says(word: &str) -> String {
    format!("document.querySelector('#status').textContent.includes({})", json!(word))
}

/// Waits until all that was asked is answered, and nothing else is asked.
pub(crate) fn settled(browser: &mut Browser) {
    let begun = Instant::now();
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        // Events come with the answers to calls.
        browser.value("0");
        let count =
            |method: &str| browser.events.iter().filter(|event| event["method"] == method).count();
        let asked = count("Network.requestWillBeSent");
        let ended = count("Network.loadingFinished") + count("Network.loadingFailed");
        if asked == before && asked == ended {
            return;
        }
        before = asked;
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{ended} of {asked} questions have ended"
        );
    }
}
