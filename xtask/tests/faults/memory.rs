//! Memory that runs out.

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, behind, end_of, gone_on_with, start, told, wrong_end};

/// Address space in MiB: with less the program is not even loaded, with more each job comes to its end.
const BOUNDS: (u64, u64) = (40, 240);

fn limited(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let (tries, mut ends) = (share.of(60, 4), 0);
    for _ in 0..tries {
        let limit = (BOUNDS.0 << 20) + moments.below((BOUNDS.1 - BOUNDS.0) << 20);
        let mut command = behind("prlimit", &[&format!("--as={limit}")], &job.command());
        let output = end_of(start(&mut command));
        let with_limit = |lost| format!("{} MiB: {lost}", limit >> 20);
        lost.extend(wrong_end(&output).map(with_limit));
        lost.extend(job.differences(output.status.success()).into_iter().map(with_limit));
        if output.status.success() {
            ends += 1;
            job.clear();
        }
    }
    lost.extend(gone_on_with(&job, "without a limit"));
    told(share, &format!("too little memory for a {kind:?}; {ends} had enough"), tries, &lost);
}

#[test]
fn what_lacks_memory_is_gone_on_with() {
    limited(Kind::Sweep, Share::Short);
}

/// Stacks of more threads than there is room for: the first op would panic.
#[test]
fn threads_that_cannot_be_started_are_an_error() {
    let mut command = crate::support::xtask(&["evaluate", "mlp", "--pairs", "20"]);
    // Of large ones: a thread that has one may find no room for what it needs beside it, which ends the program.
    command.env("RAYON_NUM_THREADS", "100").env("RUST_MIN_STACK", "100000000");
    let output = end_of(start(&mut behind("prlimit", &["--as=1000000000"], &command)));
    // Another time there may be room.
    crate::support::ends(&output, 75, "failed to start threads");
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn memory_that_runs_out() {
    KINDS.into_iter().for_each(|kind| limited(kind, Share::Whole));
}
