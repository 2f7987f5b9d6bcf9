//! Disks that are full, and files that cannot be written.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::jobs::{Job, KINDS, Kind};
use crate::{Moments, Share, behind, end_of, gone_on_with, start, told, wrong_end};

/// A small file system in memory, which root alone can have.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn new(dir: &'a Path) -> Option<Self> {
        fs::create_dir_all(dir).unwrap();
        let disk = Self(dir);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16k", "pairnet-faults"]).arg(dir);
        mount.output().is_ok_and(|output| output.status.success()).then_some(disk)
    }

    fn be(&self, options: &str) {
        let remounted = format!("remount,{options}");
        let output = Command::new("mount").args(["-o", &remounted]).arg(self.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // Fails where there was none.
        let _ = Command::new("umount").arg(self.0).output();
    }
}

/// Ends `command` as it likes, but not well where `fails`; then there is nothing wrong in its folder.
fn tried(job: &Job, command: &mut Command, fails: bool) -> Vec<String> {
    let output = end_of(start(command));
    let mut lost: Vec<String> = wrong_end(&output).into_iter().collect();
    if fails && output.status.success() {
        lost.push("it says that all went well".to_owned());
    }
    lost.extend(job.differences(false));
    lost
}

fn full(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let Some(disk) = Disk::new(&job.dir) else {
        return assert!(share == Share::Short, "a small disk is root's to mount");
    };
    // Ever larger, until all fits; and as many files as there is room for.
    let (mut tries, mut size) = (0, 16);
    while size < 4096 {
        disk.be(&format!("size={size}k"));
        lost.extend(tried(&job, &mut job.command(), false));
        tries += 1;
        size += moments.below(share.of(200, 2000) as u64) + 1;
    }
    disk.be("size=100m");
    lost.extend(gone_on_with(&job, "with room again"));
    told(share, &format!("a full disk, which grows, under a {kind:?}"), tries, &lost);
}

fn read_only(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let Some(disk) = Disk::new(&job.dir) else {
        return assert!(share == Share::Short, "a small disk is root's to mount");
    };
    disk.be("size=100m,ro");
    let mut tries = 1;
    lost.extend(tried(&job, &mut job.command(), true));
    while tries < share.of(40, 2) {
        disk.be("rw");
        let mut child = start(&mut job.command());
        job.come_to_a_moment(&mut child, &mut moments);
        // Refused while a file is open for writing.
        let remount = || Command::new("mount").args(["-o", "remount,ro"]).arg(&job.dir).output();
        while !remount().unwrap().status.success() {}
        lost.extend(wrong_end(&end_of(child)));
        lost.extend(job.differences(false));
        tries += 1;
    }
    disk.be("rw");
    lost.extend(gone_on_with(&job, "when it can be written again"));
    told(share, &format!("a folder that becomes read-only under a {kind:?}"), tries, &lost);
}

/// As a quota has it: a file cannot become longer than so many bytes.
fn short_files(kind: Kind, share: Share) {
    let (job, mut moments, mut lost) = (Job::new(kind), Moments::new(), Vec::new());
    let tries = share.of(60, 3);
    for attempt in 0..tries {
        // As many small limits as large ones.
        let limit =
            (1 << (4 + attempt * 18 / tries)) + moments.below(1 << (4 + attempt * 18 / tries));
        let ignored = ["-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        let inner = behind("sh", &ignored, &job.command());
        let mut limited = behind("prlimit", &[&format!("--fsize={limit}")], &inner);
        lost.extend(tried(&job, &mut limited, false));
    }
    lost.extend(gone_on_with(&job, "without a limit"));
    told(share, &format!("files that cannot grow, under a {kind:?}"), tries, &lost);
}

#[test]
fn what_finds_no_room_is_gone_on_with() {
    full(Kind::Sweep, Share::Short);
    read_only(Kind::Sweep, Share::Short);
    short_files(Kind::Training, Share::Short);
}

#[test]
#[ignore = "takes minutes, and root's rights: .ci/faults"]
fn disks_that_are_full_or_read_only_and_files_that_cannot_grow() {
    KINDS.into_iter().for_each(|kind| full(kind, Share::Whole));
    KINDS.into_iter().for_each(|kind| read_only(kind, Share::Whole));
    KINDS.into_iter().for_each(|kind| short_files(kind, Share::Whole));
}
