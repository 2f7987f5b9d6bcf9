//! Drawing, undoing, starting from a pair: by mouse, finger, pen and keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use pairnet_serve::{Answer, Network, Pair, Samples, Served, listen};
use serde_json::{Value, json};

use super::{
    BLOT, DESK, FIRST, LOOKS, ONE, PHONE, SECOND, clean, draw, last_answer, lines, open, says,
    settled,
};
use crate::stand::{Stand, eight, ink, sample, served};

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn one_draws_and_the_networks_answer() {
    let stand = Stand::new();
    for look in LOOKS {
        let mut browser = open(&stand, look);
        browser.until(&says("Draw a digit on each field"));
        draw(&mut browser, look, FIRST, &BLOT);
        browser.until(&says("Draw the second digit"));
        assert!(lines(&mut browser)[0].contains("no answer yet"), "{look:?}");
        draw(&mut browser, look, SECOND, &ONE);
        browser.until(&says("All 2 networks say first > second."));
        settled(&mut browser);
        let told = last_answer(&mut browser, "/answers");
        let found = lines(&mut browser);
        let percent = 100.0 * told["answers"][0]["probability"].as_f64().unwrap();
        assert!((0.1..50.0).contains(&percent), "{percent}");
        let shown = format!("P(first ≤ second) {percent:.1}\u{a0}%");
        for line in &found[..2] {
            assert!(line.contains("first > second") && line.contains(&shown), "{line} not {shown}");
        }
        assert!(found[0].contains("not trained to name"), "{}", found[0]);
        for (which, name) in ["first", "second"].into_iter().enumerate() {
            let values = told["answers"][1]["digits"][which].as_array().unwrap();
            let top = values.iter().position(|value| *value == 0.82).unwrap();
            assert!(found[1].contains(&format!("{name}: {top}, 82.0\u{a0}%")), "{}", found[1]);
        }
        assert!(found[2].contains("It could not answer: it is broken"), "{}", found[2]);
        let bar = browser.value("document.querySelector('.fill').style.width");
        let width: f64 = bar.as_str().unwrap().trim_end_matches('%').parse().unwrap();
        assert!((width - percent).abs() < 0.01, "{width} is not {percent}");

        // The small images have what the networks have seen.
        let pixels = browser.value(
            "[...document.querySelectorAll('.seen')].map((canvas) =>
             [...canvas.getContext('2d').getImageData(0, 0, 14, 14).data].filter((_, index) => index % 4 === 0))",
        );
        for which in 0..2 {
            for place in 0..196 {
                let level = told["seen"][which][place].as_f64().unwrap();
                let shown = pixels[which][place].as_f64().unwrap();
                assert!((level - shown).abs() <= 0.5, "{shown} is not {level} at {place}");
            }
        }
        // The last answer was to the last point: the same drawing gets it again.
        browser.click(".field:first-child .clear");
        browser.until(&says("Draw the first digit"));
        browser.click(".field:first-child .undo");
        settled(&mut browser);
        assert_eq!(last_answer(&mut browser, "/answers"), told);
        clean(&browser, &stand);
    }
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn what_was_done_can_be_undone_with_buttons_and_with_keys() {
    let stand = Stand::new();
    for look in [PHONE, DESK] {
        let mut browser = open(&stand, look);
        draw(&mut browser, look, FIRST, &BLOT);
        draw(&mut browser, look, SECOND, &ONE);
        draw(&mut browser, look, SECOND, &[(0.2, 0.8), (0.8, 0.8)]);
        browser.until(&says("first > second"));
        browser.click(".field:last-child .undo");
        browser.until(&says("first > second"));
        browser.click(".field:last-child .undo");
        browser.until(&says("Draw the second digit"));
        let idle = "document.querySelector('.field:last-child .undo').disabled";
        assert_eq!(browser.value(idle), json!(true));
        browser.click(".field:first-child .clear");
        browser.until(&says("Draw a digit on each field"));
        // What was cleared comes back, too.
        browser.click(".field:first-child .undo");
        browser.until(&says("Draw the second digit"));

        // The same with keys: 2 and 1 choose, Ctrl+Z undoes, Delete clears.
        draw(&mut browser, look, SECOND, &ONE);
        browser.until(&says("first > second"));
        browser.key("2", 50, 0);
        let focused = "document.activeElement === document.querySelector('.field:last-child .ink')";
        assert_eq!(browser.value(focused), json!(true));
        browser.key("z", 90, 2);
        browser.until(&says("Draw the second digit"));
        browser.key("1", 49, 0);
        browser.key("Delete", 46, 0);
        browser.until(&says("Draw a digit on each field"));
        browser.key("z", 90, 2);
        browser.until(&says("Draw the second digit"));
        clean(&browser, &stand);
    }
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_pair_of_the_test_split_tells_who_is_right() {
    let stand = Stand::new();
    for look in [PHONE, DESK] {
        let mut browser = open(&stand, look);
        browser.click("#another");
        let mut last = String::new();
        for round in 0..4 {
            browser.until("document.querySelector('#truth').textContent !== ''");
            browser.until(&format!(
                "document.querySelector('#truth').textContent !== {}",
                json!(last)
            ));
            last = browser.text("#truth");
            let index: usize = last.split([' ']).nth(1).unwrap().parse().unwrap();
            let [first, second] = sample(index).classes;
            let true_one = first <= second;
            let start = format!(
                "Pair {index} of the test split: {first} and {second}, so first\u{a0}≤\u{a0}second is {true_one}."
            );
            assert!(last.starts_with(&start), "{last}");
            // As much ink on both is no yes.
            let word = if (first < second) == true_one { "right" } else { "wrong" };
            let found = lines(&mut browser);
            for line in &found[..2] {
                assert!(line.contains(word), "{last}: {line}");
            }
            assert_eq!(last_answer(&mut browser, "/samples/")["sample"]["index"], json!(index));
            if round < 3 {
                browser.key("n", 78, 0);
            }
        }
        // A stroke makes it another pair; undone, it is the test split's again.
        draw(&mut browser, look, SECOND, &BLOT);
        browser.until("document.querySelector('#truth').textContent === ''");
        browser.until("!document.querySelector('#answers .mark')");
        browser.click(".field:last-child .undo");
        browser.until(&format!("document.querySelector('#truth').textContent === {}", json!(last)));
        clean(&browser, &stand);
    }
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_pen_draws_as_wide_as_it_is_pressed() {
    let stand = Stand::new();
    let ink = |force: f64| {
        let mut browser = open(&stand, DESK);
        let (x, y, width) = browser.place(FIRST);
        let pen = Some(force);
        browser.mouse("mousePressed", (x, y - 0.3 * width), pen);
        browser.mouse("mouseMoved", (x, y + 0.3 * width), pen);
        browser.mouse("mouseReleased", (x, y + 0.3 * width), pen);
        let lit = browser.value(
            "(() => { const at = document.querySelector('.ink');
             return at.getContext('2d').getImageData(0, 0, at.width, at.height).data
             .filter((level, index) => index % 4 === 0 && level > 127).length / at.width ** 2; })()",
        );
        lit.as_f64().unwrap()
    };
    let (faint, strong) = (ink(0.2), ink(0.9));
    assert!(faint > 0.02 && strong > 1.5 * faint, "{faint} and {strong} of the field");
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_server_that_is_gone_is_told_and_the_page_goes_on_when_it_is_back() {
    let stand = Stand::new();
    let address = stand.address;
    let mut browser = open(&stand, DESK);
    draw(&mut browser, DESK, FIRST, &BLOT);
    draw(&mut browser, DESK, SECOND, &ONE);
    browser.until(&says("first > second"));
    drop(stand);
    draw(&mut browser, DESK, SECOND, &[(0.2, 0.8), (0.8, 0.8)]);
    browser.until("document.querySelector('#trouble').checkVisibility()");
    assert!(browser.text("#trouble").contains("does not answer"));
    // With other networks than before.
    let stand = Stand::on(listen(address).unwrap(), eight());
    browser.until("!document.querySelector('#trouble').checkVisibility()");
    browser.until(&says("networks say"));
    assert_eq!(lines(&mut browser).len(), 8);
    let rounds: Vec<&Value> = browser.complaints();
    let refused =
        |told: &&&Value| told["entry"]["text"].as_str().unwrap_or("").contains("ERR_CONNECTION");
    assert_eq!(rounds.iter().filter(refused).count(), rounds.len(), "{rounds:#?}");
    drop(stand);
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn who_is_not_quite_sure_is_not_shown_as_sure() {
    let sure = [1.0, 0.999_99, 0.5, 0.000_01, 0.0];
    let network = |probability: f64| Network {
        name: format!("{probability}"),
        recipe: String::new(),
        note: String::new(),
        answer: Box::new(move |_| Ok(Answer { probability, digits: None })),
    };
    let networks = sure.map(network).into();
    let stand = Stand::of(Served { networks, samples: Samples::none(), hosts: Vec::new() });
    let mut browser = open(&stand, DESK);
    // Without pairs to start from, none are offered.
    assert_eq!(browser.value("document.querySelector('#another').checkVisibility()"), json!(false));
    browser.key("n", 78, 0);
    draw(&mut browser, DESK, FIRST, &ONE);
    draw(&mut browser, DESK, SECOND, &ONE);
    browser.until(&says("3 of 5 networks say first > second."));
    let shown = ["100.0", "> 99.9", "50.0", "< 0.1", "0.0"];
    for (line, number) in lines(&mut browser).iter().zip(shown) {
        assert!(line.contains(&format!("P(first ≤ second) {number}\u{a0}%")), "{line}");
    }
    clean(&browser, &stand);
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_slow_network_is_asked_once_at_a_time_and_at_last_about_the_last() {
    let [now, most, all] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let counters = [&now, &most, &all].map(Arc::clone);
    let slow = move |pair: &Pair| {
        let [now, most, all] = &counters;
        most.fetch_max(1 + now.fetch_add(1, SeqCst), SeqCst);
        all.fetch_add(1, SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        now.fetch_sub(1, SeqCst);
        Ok(Answer { probability: ink(&pair[1]), digits: None })
    };
    let network = Network {
        name: "slow".to_owned(),
        recipe: String::new(),
        note: String::new(),
        answer: Box::new(slow),
    };
    let stand = Stand::of(Served { networks: vec![network], ..served() });
    let mut browser = open(&stand, DESK);
    draw(&mut browser, DESK, FIRST, &ONE);
    draw(&mut browser, DESK, SECOND, &ONE);
    // Longer than the page waits before it asks, shorter than the answer takes.
    std::thread::sleep(Duration::from_millis(150));
    draw(&mut browser, DESK, SECOND, &BLOT);
    settled(&mut browser);
    let told = last_answer(&mut browser, "/answers");
    assert!(all.load(SeqCst) >= 2, "there was no answer while one drew");
    assert_eq!(most.load(SeqCst), 1);
    // What is given up in between is not shown.
    draw(&mut browser, DESK, FIRST, &BLOT);
    browser.click(".field:first-child .clear");
    browser.until(&says("Draw the first digit"));
    std::thread::sleep(Duration::from_millis(800));
    assert!(lines(&mut browser)[0].contains("no answer yet"));
    // Back to the stroke, and to before it: the same drawing gets the same answer.
    browser.click(".field:first-child .undo");
    browser.click(".field:first-child .undo");
    settled(&mut browser);
    assert_eq!(last_answer(&mut browser, "/answers"), told);
    clean(&browser, &stand);
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn what_the_server_refuses_is_shown_in_its_words() {
    let fails = |pair: &Pair| {
        assert!(ink(&pair[0]) < 0.2, "too much ink");
        Ok(Answer { probability: 1.0, digits: None })
    };
    let network = Network {
        name: "fragile".to_owned(),
        recipe: String::new(),
        note: String::new(),
        answer: Box::new(fails),
    };
    let stand = Stand::of(Served { networks: vec![network], ..served() });
    let mut browser = open(&stand, DESK);
    draw(&mut browser, DESK, FIRST, &BLOT);
    draw(&mut browser, DESK, SECOND, &ONE);
    browser.until("document.querySelector('#trouble').checkVisibility()");
    let told = browser.text("#trouble");
    assert!(told.starts_with("The server says: a network failed on this pair"), "{told}");
    assert!(lines(&mut browser)[0].contains("no answer yet"));
    // And forgotten when it is over.
    browser.click(".field:first-child .clear");
    draw(&mut browser, DESK, FIRST, &ONE);
    browser.until(&says("The network says first ≤ second."));
    browser.until("!document.querySelector('#trouble').checkVisibility()");
}
