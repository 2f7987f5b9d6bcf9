//! The page in a real browser: Chromium without a window.
//!
//! Ignored where tests run without one. `.ci/run` installs it and runs these, the second time on the
//! page of the main job, whose path is in `PAIRNET_PAGE`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pictured::pictured_folder;
use crate::studies::{crowded, far_apart, names, one_axis, two_axes, with_predictions};
use pairnet_report::{read_report, write_results};
use serde_json::Value;

/// Listens before the page's own scripts run.
const EARS: &str = "<script>
const problems = [];
addEventListener('error', (event) => problems.push(`error: ${event.message}`), true);
addEventListener('securitypolicyviolation', (event) => problems.push(`asked for ${event.blockedURI}`));
</script>";

/// Neither a profile of its own nor any service of its maker: what is asked for is the page's doing.
const ALONE: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
];

/// What Chromium wrote to standard output and to its log.
fn chromium(arguments: &[String]) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let output = Command::new(&program)
        .args(ALONE)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("--enable-logging=stderr")
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("failed to start {program}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// The page that is to be looked at: the main job's where one is named, else one of these tests.
fn page() -> String {
    if let Ok(path) = std::env::var("PAIRNET_PAGE") {
        return fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let dir = pictured_folder();
    write_results(dir.path(), &read_report(dir.path()).unwrap()).unwrap();
    fs::read_to_string(dir.path().join("report.html")).unwrap()
}

/// `page` in a frame of this width: Chromium's own windows are never narrower than 500 pixels.
fn framed(page: &str, (width, height): (u32, u32), dir: &Path) -> PathBuf {
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let html = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <body style=\"margin:0\"><iframe id=\"frame\" \
         style=\"border:0;width:{width}px;height:{height}px\" srcdoc=\"{escaped}\"></iframe><script>\
         frame.onload = () => {{\
         const found = frame.contentDocument.getElementById('probe')?.textContent ?? 'nothing';\
         document.body.append(Object.assign(document.createElement('pre'),\
         {{ id: 'found', textContent: found }})) }}</script>"
    );
    let path = dir.join(format!("{width}.html"));
    fs::write(&path, html).unwrap();
    path
}

/// What `probe.js` found.
fn probe(page: &str, width: u32, dark: bool) -> Value {
    let start = page.find("<meta charset=\"utf-8\">").unwrap();
    let end = page.rfind("</body>").unwrap();
    let (head, body, rest) = (&page[..start], &page[start..end], &page[end..]);
    let probe = include_str!("probe.js");
    let page = format!("{head}{EARS}{body}<script>{{{probe}}}</script>{rest}");

    let dir = tempfile::tempdir().unwrap();
    let file = framed(&page, (width, 900), dir.path());
    let (dom, log) = chromium(&[
        format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }),
        "--window-size=1400,900".to_owned(),
        "--dump-dom".to_owned(),
        format!("file://{}", file.display()),
    ]);
    let console: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{}", console.join("\n"));
    let found =
        dom.split_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| panic!("the page was not loaded: {log}"));
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}"))
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn nothing_is_wrong_on_a_phone_at_a_desk_and_in_the_dark() {
    let page = page();
    for (width, dark) in [(390, false), (390, true), (1280, false), (1280, true)] {
        let found = probe(&page, width, dark);
        assert_eq!((found["width"].as_u64(), &found["dark"]), (Some(width.into()), &dark.into()));
        let problems = found["problems"].as_array().unwrap();
        assert!(problems.is_empty(), "{width} pixels, dark {dark}: {problems:#?}");
        assert!(found["tables"].as_u64() >= Some(8), "{found}");
        let figures = found["figures"].as_array().unwrap();
        for name in ["accuracy", "differences", "networks", "confusion", "mistakes"] {
            assert!(figures.contains(&format!("figure-{name}").into()), "{name}: {figures:?}");
        }
    }
}

#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn nothing_is_wrong_on_the_page_of_a_study() {
    for (dir, figures) in [
        (one_axis().folder(), &["line", "networks"][..]),
        (far_apart().folder(), &["line", "networks"]),
        (two_axes().folder(), &["heat-map", "accuracy", "cells"]),
        (names().folder(), &["accuracy", "cells", "compared-networks", "effects"]),
        (crowded().folder(), &["heat-map", "accuracy", "cells", "compared-networks", "effects"]),
        (with_predictions(), &["accuracy", "cells", "effects", "confusion", "mistakes"]),
    ] {
        write_results(dir.path(), &read_report(dir.path()).unwrap()).unwrap();
        let page = fs::read_to_string(dir.path().join("report.html")).unwrap();
        for (width, dark) in [(390, false), (1280, true)] {
            let found = probe(&page, width, dark);
            let problems = found["problems"].as_array().unwrap();
            assert!(problems.is_empty(), "{figures:?}, {width} pixels: {problems:#?}");
            let there = found["figures"].as_array().unwrap();
            for name in figures {
                assert!(there.contains(&format!("figure-{name}").into()), "{name}: {there:?}");
            }
        }
    }
}

/// What the tests above look for, they find.
#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn a_page_that_asks_for_more_or_is_too_wide_is_found_out() {
    let broken = page()
        .replace(
            "<footer>",
            "<style>.scroll { width: 300px; background: none } td { background: red }</style>\
             <p style=\"width:3000px\">wide</p><p style=\"font-size:8px\">small</p>\
             <a href=\"http://a.example\">out</a><img src=\"https://a.example/b.png\"><footer>",
        )
        .replace("</script>\n</body>", "undefinedFunction();</script>\n</body>");
    let dir = tempfile::tempdir().unwrap();
    let start = broken.find("<meta charset=\"utf-8\">").unwrap();
    let probe = include_str!("probe.js");
    let broken = format!("{}{EARS}{}", &broken[..start], &broken[start..])
        .replace("</body>", &format!("<script>{{{probe}}}</script></body>"));
    let file = framed(&broken, (390, 900), dir.path());
    let (dom, log) = chromium(&["--dump-dom".to_owned(), format!("file://{}", file.display())]);
    for problem in [
        "is wider than 390",
        "asked for https://a.example/b.png",
        "undefinedFunction",
        "is cut without a cue",
        "covers a cue",
        "is 8.0 pixels high",
        "leads to http://a.example",
    ] {
        assert!(dom.contains(problem), "{problem} is not among what was found");
    }
    assert!(log.contains("CONSOLE"), "{log}");
}

/// Two pictures for whoever wants to look: `target/tmp/page-390.png` and `page-1280.png`.
#[test]
#[ignore = "needs Chromium; .ci/run has it"]
fn screenshots_at_two_widths_have_the_whole_page() {
    let page = page();
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (width, height) in [(390_u32, 16_000_u32), (1280, 10_000)] {
        let dir = tempfile::tempdir().unwrap();
        let file = framed(&page, (width, height), dir.path());
        let shot = shots.join(format!("page-{width}.png"));
        let _ = fs::remove_file(&shot);
        chromium(&[
            format!("--window-size={},{height}", width.max(500)),
            format!("--screenshot={}", shot.display()),
            format!("file://{}", file.display()),
        ]);
        let bytes = fs::read(&shot).unwrap();
        // Width and height stand behind the signature and the name of the first chunk.
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), (width.max(500), height));
        // An empty page of that size takes a tenth of this.
        assert!(bytes.len() > 150_000, "{} bytes: {}", bytes.len(), shot.display());
    }
}
