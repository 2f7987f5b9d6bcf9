//! Whether everything can be seen and reached, on a phone and at a desk, light and dark.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::chromium::Look;
use super::{DESK, FIRST, LOOKS, ONE, PHONE, SECOND, clean, draw, open, says, settled};
use crate::stand::{Stand, eight, served};

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn every_control_is_reached_by_tab_and_seen_where_it_is() {
    let stand = Stand::new();
    for look in [PHONE, Look { dark: true, ..DESK }] {
        let mut browser = open(&stand, look);
        browser.key("n", 78, 0);
        browser.until("document.querySelector('#truth').textContent !== ''");
        browser.value("document.activeElement.blur()");
        let mut reached = Vec::new();
        for _ in 0..8 {
            browser.key("Tab", 9, 0);
            let found = browser.value(
                "(() => { const at = document.activeElement; const style = getComputedStyle(at);
                 const box = at.getBoundingClientRect();
                 return { name: at.ariaLabel ?? at.textContent, visible: at.matches(':focus-visible'),
                 outline: parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none'),
                 inSight: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight }; })()",
            );
            let marked = found["visible"] == true && found["outline"].as_f64() >= Some(2.0);
            assert!(marked && found["inSight"] == true, "{found}");
            reached.push(found["name"].as_str().unwrap().to_owned());
        }
        let expected = [
            "Skip to the answers",
            "First digit: a drawing to draw on with mouse, pen or finger",
            "Undo, first digit",
            "Clear, first digit",
            "Second digit: a drawing to draw on with mouse, pen or finger",
            "Undo, second digit",
            "Clear, second digit",
            "Another pair of the test split",
        ];
        assert_eq!(reached, expected);
        clean(&browser, &stand);
    }
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn nothing_is_wrong_on_a_phone_at_a_desk_and_in_the_dark() {
    let stand = Stand::of(eight());
    let narrow = Look { width: 320, ..PHONE };
    let tablet = Look { width: 820, height: 1180, ..PHONE };
    for look in LOOKS.into_iter().chain([narrow, tablet]) {
        let mut browser = open(&stand, look);
        for filled in [false, true] {
            if filled {
                browser.key("n", 78, 0);
                browser.until("document.querySelector('#truth').textContent !== ''");
            }
            let found = browser.value(include_str!("probe.js"));
            assert_eq!(found["problems"], json!([]), "{look:?}, filled {filled}");
            let expected = (&json!(look.width), &json!(look.dark));
            assert_eq!((&found["width"], &found["dark"]), expected);
            assert_eq!(found["moves"], json!(!look.still), "{look:?}");
        }
        clean(&browser, &stand);
    }
}

/// What the tests above look for, they find.
#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_page_that_asks_for_more_or_is_too_wide_is_found_out() {
    let stand = Stand::of(served());
    let mut browser = open(&stand, PHONE);
    browser.value(
        "fetch('http://a.example/b').catch(() => {});
         const wide = document.createElement('p');
         Object.assign(wide.style, { width: '3000px', fontSize: '8px', color: '#888', maxWidth: 'none' });
         wide.textContent = 'wide'; document.body.append(wide);
         document.querySelector('#another').style.minHeight = '20px';
         const inline = document.createElement('script'); inline.textContent = 'let a;';
         document.body.append(inline); setTimeout(() => undefinedFunction(), 0)",
    );
    browser.until("performance.now() > 0");
    std::thread::sleep(Duration::from_millis(300));
    let found = browser.value(include_str!("probe.js"))["problems"].to_string();
    for problem in ["is wider than 360", "sticks out", "8px high", "has a contrast of 3.5", "×"] {
        assert!(found.contains(problem), "{problem} is not among {found}");
    }
    let complaints = format!("{:?}", browser.complaints());
    for complaint in ["a.example", "inline script", "undefinedFunction"] {
        assert!(complaints.contains(complaint), "{complaint} is not among {complaints}");
    }
}

/// Pictures for whoever wants to look: `target/tmp/serve-360-light.png` and three more.
#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn screenshots_have_the_whole_page() {
    use base64::Engine as _;
    let stand = Stand::of(eight());
    let three = [(0.3, 0.25), (0.65, 0.25), (0.45, 0.47), (0.66, 0.62), (0.55, 0.8), (0.3, 0.78)];
    for look in LOOKS {
        let mut browser = open(&stand, look);
        draw(&mut browser, look, FIRST, &three);
        draw(&mut browser, look, SECOND, &ONE);
        if look.dark {
            browser.key("n", 78, 0);
        }
        browser.until(&says("networks say"));
        settled(&mut browser);
        browser.value("scrollTo(0, 0)");
        let png = base64::engine::general_purpose::STANDARD.decode(browser.screenshot()).unwrap();
        let shade = if look.dark { "dark" } else { "light" };
        let name = format!("serve-{}-{shade}.png", look.width);
        std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &png).unwrap();
        // Width stands behind the signature and the name of the first chunk.
        let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert_eq!(width, 2 * look.width);
        assert!(png.len() > 50_000, "{} bytes", png.len());
    }
}
