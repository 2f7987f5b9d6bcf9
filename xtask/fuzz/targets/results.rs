//! The summary of a sweep, from which all tables follow.
#![no_main]

use pairnet_report::Summary;

libfuzzer_sys::fuzz_target!(|input: &str| {
    if let Ok(summary) = Summary::from_json(input) {
        let _ = summary.to_files();
    }
});
