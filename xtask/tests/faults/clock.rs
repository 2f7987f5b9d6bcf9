//! A clock that jumps, as libfaketime has it.

use std::fs;
use std::path::Path;

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, end_of, gone_on_with, start, told, wrong_end};

const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

fn jumps(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        return assert!(share == Share::Short, "install libfaketime");
    };
    let scratch = tempfile::tempdir().unwrap();
    let time = scratch.path().join("time");
    let (wanted, mut tries) = (share.of(60, 5), 0);
    while tries < wanted {
        fs::write(&time, "+0").unwrap();
        let mut command = job.command();
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &time);
        command.env("FAKETIME_NO_CACHE", "1");
        let mut child = start(&mut command);
        while child.try_wait().unwrap().is_none() {
            std::thread::sleep(moments.within(job.time / 4));
            // Before 1970, and to 2100: years there and back.
            let years = moments.below(130) as i64 - 60;
            let next = scratch.path().join("next");
            fs::write(&next, format!("{years:+}y")).unwrap();
            fs::rename(&next, &time).unwrap();
            tries += 1;
        }
        let output = end_of(child);
        lost.extend(wrong_end(&output));
        if !output.status.success() {
            lost.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        lost.extend(job.differences(true));
        job.clear();
    }
    lost.extend(gone_on_with(&job, "with time as it is"));
    told(share, &format!("a clock that jumps by years under a {kind:?}"), tries, &lost);
}

#[test]
fn no_clock_changes_what_is_left() {
    jumps(Kind::Sweep, Share::Short);
}

#[test]
#[ignore = "takes minutes, and libfaketime: .ci/faults"]
fn a_clock_that_jumps() {
    KINDS.into_iter().for_each(|kind| jumps(kind, Share::Whole));
}
