//! What a sweep was asked for, and a report of what it has none of yet. What is read is what is written
//! again.
#![no_main]

use pairnet_fuzz::folder;
use pairnet_record::{read_sweep, write_sweep};
use pairnet_report::read_report;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for bytes in pairnet_fuzz::signed(input) {
        pairnet_fuzz::file("sweep.json", &bytes);
        if let Ok(Some(sweep)) = read_sweep(folder()) {
            write_sweep(folder(), &sweep).unwrap();
            assert_eq!(read_sweep(folder()).unwrap(), Some(sweep.clone()));
            assert_eq!(sweep.differences(&sweep), []);
            if let Ok(report) = read_report(folder()) {
                let _ = report.summary.to_markdown();
                let _ = report.summary.to_csv();
            }
        }
    }
});
