//! Readers that go away.

use std::io::Read as _;

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, end_of, start, told, wrong_end};

/// Reads some bytes of what is printed, or of what is noted, and no more.
fn closed(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let tries = share.of(40, 4);
    for attempt in 0..tries {
        let mut child = start(job.command().env("RUST_LOG", "debug"));
        let mut bytes = vec![0; moments.below(3000) as usize];
        // Where that is less, its reader goes as the program ends.
        if attempt % 2 == 0 {
            let _ = child.stdout.take().unwrap().read(&mut bytes[..1 + attempt % 2]);
        } else {
            let _ = child.stderr.take().unwrap().read(&mut bytes);
        }
        let output = end_of(child);
        lost.extend(wrong_end(&output));
        if !output.status.success() {
            lost.push(output.status.to_string());
        }
        lost.extend(job.differences(true));
        job.clear();
    }
    told(share, &format!("a reader of a {kind:?} that goes away"), tries, &lost);
}

#[test]
fn readers_that_go_away_end_no_work() {
    closed(Kind::Training, Share::Short);
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn readers_that_go_away() {
    KINDS.into_iter().for_each(|kind| closed(kind, Share::Whole));
}
