//! The three kinds of jobs that can be gone on with, each small, and what they leave.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use crate::support::{FEW, xtask};
use crate::{Moments, end_of, start};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Sweep,
    Study,
    Training,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Sweep, Kind::Study, Kind::Training];

/// A job in a folder of its own, and what an uninterrupted one has left.
pub(crate) struct Job {
    pub(crate) kind: Kind,
    /// What it makes is in there; moved, removed and limited as one likes.
    pub(crate) dir: PathBuf,
    /// How long the uninterrupted one took, and how often something was seen to change in its folder.
    pub(crate) time: Duration,
    changes: u64,
    whole: BTreeMap<PathBuf, Vec<u8>>,
    scratch: TempDir,
}

impl Job {
    pub(crate) fn new(kind: Kind) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("few.toml"), FEW.replace("pairs = 200", "pairs = 60"))
            .unwrap();
        let dir = scratch.path().join("out");
        let (time, whole) = (Duration::ZERO, BTreeMap::new());
        let mut job = Self { kind, dir, time, changes: 0, whole, scratch };
        let begun = Instant::now();
        let mut child = start(&mut job.command());
        job.changes = job.wait_for(&mut child, u64::MAX);
        let output = end_of(child);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        job.time = begun.elapsed();
        job.whole = job.left();
        assert!(job.whole.len() > 1, "{:?}", job.whole.keys());
        job.clear();
        job
    }

    /// Begins it, or goes on with it: that is one command.
    pub(crate) fn command(&self) -> Command {
        let mut command = xtask(&[]);
        // Where there is no revision that a commit would change meanwhile.
        command.current_dir(self.scratch.path());
        let few = ["--set", "epochs=1", "--set", "pairs=40", "--recipe", "paper"];
        match self.kind {
            Kind::Sweep => {
                command.args(["reproduce", "--variant", "mlp", "--variant", "mlp-ws-al"]);
                command.args(few).args(["--runs", "6", "--keep"]).arg("--out").arg(&self.dir)
            }
            Kind::Study => {
                command.arg("study").arg(self.scratch.path().join("few.toml"));
                command.args(["--runs", "3", "--keep", "--out"]).arg(&self.dir)
            }
            Kind::Training => {
                command.args(["train", "mlp-ws-al", "--set", "epochs=12", "--set", "pairs=60"]);
                command.args(["--resume", "--save"]).arg(self.dir.join("network.safetensors"))
            }
        };
        command
    }

    /// Waits until `child` is at a random place of its work, be the machine fast or slow: so many changes of
    /// its folder, and a moment more.
    pub(crate) fn come_to_a_moment(&self, child: &mut Child, moments: &mut Moments) {
        let changes = moments.below(self.changes + 1);
        let longest = if changes == 0 { self.time } else { Duration::from_millis(20) };
        self.wait_for(child, changes);
        std::thread::sleep(moments.within(longest));
    }

    /// Waits until `child` has changed its folder so many times, or has ended; how often it did.
    fn wait_for(&self, child: &mut Child, most: u64) -> u64 {
        let (mut changes, mut before) = (0, self.seen());
        while changes < most && child.try_wait().unwrap().is_none() {
            let now = self.seen();
            changes += u64::from(now != before);
            before = now;
            std::thread::sleep(Duration::from_micros(300));
        }
        changes
    }

    fn seen(&self) -> BTreeSet<(PathBuf, SystemTime)> {
        let all = files(&self.dir).into_iter();
        all.filter_map(|path| Some((path.clone(), path.metadata().ok()?.modified().ok()?)))
            .collect()
    }

    /// Away with all that it has made.
    pub(crate) fn clear(&self) {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).unwrap();
        }
    }

    /// What is there and has to be the same: records without their timing, predictions, networks, and what
    /// was asked.
    fn left(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut left = BTreeMap::new();
        for path in files(&self.dir) {
            let name = path.strip_prefix(&self.dir).unwrap().to_owned();
            let is_record = name.starts_with("records")
                || self.kind == Kind::Training && name.extension().is_some_and(|e| e == "json");
            let same = ["sweep.json", "study.json", "network.safetensors"];
            let bytes = || fs::read(&path).unwrap();
            if hidden(&name) {
                continue;
            } else if is_record {
                left.insert(name, without_timing(&String::from_utf8(bytes()).unwrap()));
            } else if ["predictions", "networks"].iter().any(|folder| name.starts_with(folder))
                || same.iter().any(|file| name.as_os_str() == *file)
            {
                left.insert(name, bytes());
            }
        }
        left
    }

    /// In what the folder differs from an uninterrupted job's; `ended` is whether all of it has to be
    /// there, and nothing else.
    pub(crate) fn differences(&self, ended: bool) -> Vec<String> {
        let left = self.left();
        let mut lost = Vec::new();
        for (name, bytes) in &left {
            // What was asked grows with a folder; a sweep's file is that of the plan from the first.
            if self.whole.get(name) != Some(bytes) {
                lost.push(format!("{} is another", name.display()));
            }
        }
        if ended {
            let missing = self.whole.keys().filter(|name| !left.contains_key(*name));
            lost.extend(missing.map(|name| format!("{} is missing", name.display())));
            let hidden = files(&self.dir).into_iter().filter(|path| {
                hidden(path) || path.extension().is_some_and(|end| end == "unfinished")
            });
            lost.extend(hidden.map(|path| format!("{} is left behind", path.display())));
        }
        lost
    }

    /// The files that are, or were, half-written, and when.
    pub(crate) fn parts(&self) -> BTreeSet<(PathBuf, SystemTime)> {
        let is_part = |path: &PathBuf| path.extension().is_some_and(|end| end == "pairnet-part");
        self.seen().into_iter().filter(|(path, _)| is_part(path)).collect()
    }

    /// How far it has come, in words for a table, where there were some half-written files before.
    pub(crate) fn stage(&self, parts: &BTreeSet<(PathBuf, SystemTime)>) -> &'static str {
        let there = |name: &str| self.dir.join(name).exists();
        let records = || self.left().keys().filter(|name| name.starts_with("records")).count();
        let all = self.whole.keys().filter(|name| name.starts_with("records")).count();
        if !self.parts().is_subset(parts) {
            return "while a file was written";
        }
        match self.kind {
            Kind::Training if there("network.safetensors") || there("network.json") => {
                "at the report"
            }
            Kind::Training if there("network.safetensors.unfinished") => "in training",
            Kind::Training => "at the start",
            _ if !there("sweep.json") => "at the start",
            _ if records() < all => "in training",
            _ => "at the report",
        }
    }
}

/// Whether a file's own name starts with a dot.
fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// All files below `dir`, some of which may go meanwhile.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// The bytes of a record but for those of its timing.
fn without_timing(text: &str) -> Vec<u8> {
    let Some((before, rest)) = text.split_once("\"timing\": {") else {
        return text.as_bytes().to_vec();
    };
    let (_, after) = rest.split_once('}').unwrap();
    [before, after].concat().into_bytes()
}
