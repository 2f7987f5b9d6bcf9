//! Bytes that are changed or missing, in files that a study has left.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use pairnet_report::{Report, read_report};
use pairnet_training::{Kept, network_path};

use crate::jobs::{Job, Kind, files};
use crate::{Share, end_of, start, told};

fn study() -> Job {
    let job = Job::new(Kind::Study);
    assert!(end_of(start(&mut job.command())).status.success());
    job
}

/// Changes files that a report is made from, and reads that.
fn reports(share: Share) {
    let job = study();
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
    let same = || Some(values(read_report(&job.dir).ok()?) == expected);
    for (what, path) in all {
        let bytes = path.metadata().unwrap().len() as usize;
        changed(share, what, &path, (0..bytes).step_by(share.of(1, 97)), &same);
    }
}

/// Changes a kept network, and reads that: each byte of its header, and some of its numbers.
fn networks(share: Share) {
    let job = study();
    let path = network_path(&job.dir, "base", "narrow", 0);
    let whole = fs::read(&path).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let numbers = (header..whole.len()).step_by(share.of(16, 9973));
    let places = (0..header).step_by(share.of(1, 97)).chain(numbers);
    let same = || {
        let Kept { trained, known } = Kept::load(&path).ok()?;
        Some(trained.network.to_safetensors(&known).unwrap() == whole)
    };
    changed(share, "a kept network", &path, places, &same);
}

/// Changes each bit of the bytes at `places`, one at a time, or ends the file there; `same` is whether what
/// is read then is what was written, if anything is read.
fn changed(
    share: Share,
    what: &str,
    path: &Path,
    places: impl Iterator<Item = usize>,
    same: &dyn Fn() -> Option<bool>,
) {
    let whole = fs::read(path).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let (mut tries, mut refused, mut cuts, mut cut, mut lost) = (0, 0, 0, 0, Vec::new());
    let mut is_refused = |bytes: &[u8], told: &str| {
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        let same = same();
        if same == Some(false) {
            lost.push(format!("{what}, {told}"));
        }
        same.is_none()
    };
    for place in places {
        for bit in 0..8 {
            let mut other = whole.clone();
            other[place] ^= 1 << bit;
            tries += 1;
            refused += usize::from(is_refused(&other, &format!("bit {bit} of byte {place}")));
        }
        cuts += 1;
        cut += usize::from(is_refused(&whole[..place], &format!("{place} bytes")));
    }
    assert!(!is_refused(&whole, "whole"));
    drop(file);
    let bytes = whole.len();
    let of = if tries == 8 * bytes { "each bit of" } else { "each bit of every byte tried of" };
    let told_of = format!("{of} {what} ({bytes} bytes) changed; {refused} were refused");
    told(share, &told_of, tries, &lost);
    let told_of = format!("{what} cut at each of these lengths; {cut} were refused");
    told(share, &told_of, cuts, &lost);
    // All but the end of the last line.
    assert!(cut + 1 >= cuts, "{what}: {cut} of {cuts} cuts were refused");
}

#[test]
fn changed_bytes_reach_no_report() {
    reports(Share::Short);
}

#[test]
fn changed_bytes_of_a_network_reach_no_answer() {
    networks(Share::Short);
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn each_bit_changed_and_each_length_cut() {
    reports(Share::Whole);
    networks(Share::Whole);
}
