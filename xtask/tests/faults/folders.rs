//! Folders that go away, and those that two want.

use std::fs;

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, end_of, gone_on_with, start, told, wrong_end};

/// Moves the folder away at a random moment, or removes it, and puts it back.
fn gone(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let (aside, tries) = (job.dir.with_file_name("aside"), share.of(60, 4));
    for attempt in 0..tries {
        let mut child = start(&mut job.command());
        job.come_to_a_moment(&mut child, &mut moments);
        if attempt % 2 == 0 {
            let moved = fs::rename(&job.dir, &aside).is_ok();
            lost.extend(wrong_end(&end_of(child)));
            // What was written after that began another folder.
            lost.extend(job.differences(false));
            if moved {
                job.clear();
                fs::rename(&aside, &job.dir).unwrap();
            }
        } else {
            // As `rm -r` does, it may leave what comes meanwhile.
            let _ = fs::remove_dir_all(&job.dir);
            lost.extend(wrong_end(&end_of(child)));
        }
        lost.extend(job.differences(false));
    }
    lost.extend(gone_on_with(&job, "with a folder again"));
    told(share, &format!("a folder moved or removed under a {kind:?}"), tries, &lost);
}

/// Several of the same at once: one of them works, the others are told of it or find all done.
fn together(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let (rounds, mut tries, mut refused) = (share.of(15, 2), 0, 0);
    for _ in 0..rounds {
        let mut children = Vec::new();
        for _ in 0..4 {
            children.push(start(&mut job.command()));
            std::thread::sleep(moments.within(job.time / 4));
        }
        // One of them is killed; it may be the one that works.
        let killed = moments.below(4) as usize;
        children[killed].kill().unwrap();
        for child in children {
            let output = end_of(child);
            tries += 1;
            lost.extend(wrong_end(&output));
            refused += usize::from(output.status.code().is_some_and(|code| code != 0));
        }
        lost.extend(gone_on_with(&job, "alone"));
        job.clear();
    }
    assert!(share == Share::Short || refused > 0, "none was refused");
    told(share, &format!("four of a {kind:?} in one folder; {refused} were refused"), tries, &lost);
}

#[test]
fn folders_that_go_away_or_are_shared_lose_nothing() {
    gone(Kind::Study, Share::Short);
    together(Kind::Study, Share::Short);
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn folders_moved_and_removed() {
    KINDS.into_iter().for_each(|kind| gone(kind, Share::Whole));
}

#[test]
#[ignore = "takes minutes: .ci/faults"]
fn folders_that_several_want() {
    [Kind::Sweep, Kind::Study].into_iter().for_each(|kind| together(kind, Share::Whole));
}
