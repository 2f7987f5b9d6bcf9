//! SIGKILL at random moments.

use std::collections::BTreeMap;

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, gone_on_with, start, told};

/// Kills `kind` again and again, goes on with it each time, and begins anew where it came to its end.
fn kill(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let mut stages = BTreeMap::<&str, usize>::new();
    let (wanted, mut kills, mut ends) = (share.of(100, 6), 0, 0);
    while kills < wanted {
        let parts = job.parts();
        let mut child = start(&mut job.command());
        job.come_to_a_moment(&mut child, &mut moments);
        if let Some(status) = child.try_wait().unwrap() {
            if !status.success() {
                let told = child.wait_with_output().unwrap().stderr;
                lost.push(format!("after kill {kills}: {}", String::from_utf8_lossy(&told)));
            }
            lost.extend(job.differences(true));
            ends += 1;
            job.clear();
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        *stages.entry(job.stage(&parts)).or_default() += 1;
        lost.extend(job.differences(false));
    }
    lost.extend(gone_on_with(&job, "at the end"));
    let stages: Vec<String> =
        stages.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
    let what = format!(
        "SIGKILL of a {kind:?}, each gone on with: {}; {} came to their end",
        stages.join(", "),
        ends + 1
    );
    told(share, &what.to_lowercase().replace("sigkill", "SIGKILL"), kills, &lost);
}

#[test]
fn what_is_killed_is_gone_on_with() {
    KINDS.into_iter().for_each(|kind| kill(kind, Share::Short));
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn sweeps_studies_and_trainings_that_are_killed_a_hundred_times() {
    KINDS.into_iter().for_each(|kind| kill(kind, Share::Whole));
}
