//! What a study asks, and the report of its records. What is read is what is written again.
#![no_main]

use pairnet_fuzz::folder;
use pairnet_record::{read_study, write_study};
use pairnet_report::read_report;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    pairnet_fuzz::networks::train(folder());
    for bytes in pairnet_fuzz::signed(input) {
        pairnet_fuzz::file("study.json", &bytes);
        if let Ok(Some(study)) = read_study(folder()) {
            write_study(folder(), &study).unwrap();
            assert_eq!(read_study(folder()).unwrap(), Some(study));
            if let Ok(report) = read_report(folder()) {
                let _ = report.summary.to_markdown();
                let _ = report.summary.to_csv();
            }
        }
    }
});
