//! Bytes that are changed or missing, in files that a study has left.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;

use pairnet_report::{Report, read_report};

use crate::jobs::{Job, Kind, files};
use crate::{Share, end_of, start, told};

/// Puts other values in the place of each byte, or ends the file there, and reads the folder's report.
fn changed(share: Share) {
    let job = Job::new(Kind::Study);
    assert!(end_of(start(&mut job.command())).status.success());
    let first = |folder: &str| -> PathBuf {
        let mut files = files(&job.dir.join(folder));
        files.sort();
        files.swap_remove(0)
    };
    let all = [
        ("a record", first("records")),
        ("predictions", first("predictions")),
        ("sweep.json", job.dir.join("sweep.json")),
        ("study.json", job.dir.join("study.json")),
    ];
    let values = |report: Report| (report.summary.to_json().unwrap(), report.records, report.sweep);
    let expected = values(read_report(&job.dir).unwrap());
    for (what, path) in all {
        let whole = fs::read(&path).unwrap();
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let (mut tries, mut refused, mut cut, mut lost) = (0, 0, 0, Vec::new());
        let mut is_refused = |bytes: &[u8], told: &str| {
            file.rewind().unwrap();
            file.write_all(bytes).unwrap();
            file.set_len(bytes.len() as u64).unwrap();
            let Ok(report) = read_report(&job.dir) else { return true };
            if values(report) != expected {
                lost.push(format!("{what}, {told}"));
            }
            false
        };
        for place in (0..whole.len()).step_by(share.of(1, 97)) {
            for bit in 0..8 {
                let mut other = whole.clone();
                other[place] ^= 1 << bit;
                tries += 1;
                refused += usize::from(is_refused(&other, &format!("bit {bit} of byte {place}")));
            }
            cut += usize::from(is_refused(&whole[..place], &format!("{place} bytes")));
        }
        is_refused(&whole, "whole");
        drop(file);
        let bytes = whole.len();
        let told_of = format!("each bit of {what} ({bytes} bytes) changed; {refused} were refused");
        told(share, &told_of, tries, &lost);
        told(
            share,
            &format!("{what} cut at each length, all refused but the line's end"),
            cut,
            &lost,
        );
        assert!(cut + 1 >= bytes.div_ceil(share.of(1, 97)), "{what}: {cut} cuts were refused");
    }
}

#[test]
fn changed_bytes_reach_no_report() {
    changed(Share::Short);
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn each_bit_changed_and_each_length_cut() {
    changed(Share::Whole);
}
