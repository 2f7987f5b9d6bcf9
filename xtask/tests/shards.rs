//! A sweep in shares, on several machines as far as it knows: `--shard`, `merge`, and how they end.

mod support;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use pairnet_record::{
    Failure, FailureKind, Owner, Record, RecordError, read_records, read_sweep, record_path,
    write_record,
};
use pairnet_terminal::Exit;
use pairnet_training::{MergeError, TrainingError};
use support::{FEW, ends, records, xtask};

/// A folder to work in, with a study's file.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("few.toml"), FEW).unwrap();
        Self(folder)
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn study(&self, name: &str, more: &[&str]) -> Output {
        let mut command = xtask(&["study", "few.toml", "--keep", "--out", name]);
        command.args(more).current_dir(self.0.path()).output().unwrap()
    }

    fn merge_command(&self, dirs: &[&str], more: &[&str]) -> Command {
        let mut command = xtask(&[&["merge"], dirs, &["--out", "all"], more].concat());
        command.current_dir(self.0.path());
        command
    }

    fn merge(&self, dirs: &[&str], more: &[&str]) -> Output {
        self.merge_command(dirs, more).output().unwrap()
    }

    /// The study on one machine, and in three shares.
    fn trained(&self) {
        ends(&self.study("one", &[]), 0, "[8/8]");
        for (name, shard) in [("a", "1/3"), ("b", "2/3"), ("c", "3/3")] {
            ends(&self.study(name, &["--shard", shard]), 0, "cargo xtask merge");
        }
    }
}

/// All files of predictions and networks below `dir`, by the rest of their path.
fn beside(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.join("predictions"), dir.join("networks")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(dir).unwrap().to_owned();
                found.push((below, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn same_as_one(place: &Place, name: &str) {
    let (one, dir) = (place.dir("one"), place.dir(name));
    assert_eq!(records(&dir), records(&one));
    let files = beside(&dir);
    assert_eq!(files.len(), 16);
    assert_eq!(files, beside(&one));
    for file in ["sweep.json", "study.json"] {
        assert_eq!(fs::read(dir.join(file)).unwrap(), fs::read(one.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn three_shares_in_three_folders_are_one_machine_s_sweep() {
    let place = Place::new();
    place.trained();
    for name in ["a", "b", "c"] {
        assert!(!place.dir(name).join("results.md").exists());
        let read = |file| fs::read(place.dir(name).join(file)).unwrap();
        assert_eq!(read("sweep.json"), fs::read(place.dir("one/sweep.json")).unwrap());
        assert!((2..=3).contains(&read_records(&place.dir(name)).unwrap().len()));
    }
    let dry = place.merge(&["a", "b", "c"], &["--dry-run"]);
    ends(&dry, 0, "8 of 8 networks are in 3 folders");
    assert!(!place.dir("all").exists());

    let part = place.merge(&["a", "c"], &["--shards", "3"]);
    ends(&part, 3, "networks are missing, so there is no report");
    ends(&part, 3, "shares that lack something: 2/3\n");
    assert!(!place.dir("all/results.md").exists());
    let whole = place.merge(&["a", "b", "c"], &[]);
    ends(&whole, 0, "results.md, results.json, results.csv, report.html and figures are in all");
    assert!(String::from_utf8(whole.stdout).unwrap().starts_with("# Few epochs"));
    same_as_one(&place, "all");

    // Once more, and by going on with it.
    ends(&place.merge(&["a", "b", "c", "one"], &[]), 0, "0 networks were copied");
    ends(&place.study("all", &[]), 0, "8 of 8 networks are trained already");
    same_as_one(&place, "all");
}

#[test]
fn machines_that_round_otherwise_are_told_apart() {
    let place = Place::new();
    let shares = [("a", "1/2", "scalar"), ("b", "2/2", "composed")];
    for (name, shard, instructions) in shares {
        let mut command = xtask(&["study", "few.toml", "--shard", shard, "--out", name]);
        command.current_dir(place.0.path()).env("PAIRNET_INSTRUCTIONS", instructions);
        ends(&command.output().unwrap(), 0, "so there is no report yet");
    }
    ends(&place.merge(&["a", "b"], &[]), 0, "8 of 8 networks are in 2 folders\n");
    let sweep = read_sweep(&place.dir("all")).unwrap().unwrap();
    for (.., instructions) in shares {
        let told = format!("({instructions})");
        assert!(sweep.provenance.machine.contains(&told), "{}", sweep.provenance.machine);
    }
}

#[test]
fn runs_without_predictions_are_joined_told_and_trained_again() {
    let place = Place::new();
    ends(&place.study("one", &[]), 0, "[8/8]");
    let (lost, _) = beside(&place.dir("one")).pop().unwrap();
    assert!(lost.starts_with("predictions"), "{}", lost.display());
    fs::rename(place.dir("one").join(&lost), place.dir("elsewhere")).unwrap();
    let merged = place.merge(&["one"], &[]);
    ends(&merged, 0, "8 of 8 networks are in 1 folder\n");
    ends(&merged, 0, "1 of them have no predictions in any folder");
    ends(&place.study("all", &[]), 0, "7 of 8 networks are trained already");
    let again = fs::read(place.dir("all").join(&lost)).unwrap();
    assert_eq!(again, fs::read(place.dir("elsewhere")).unwrap());
    ends(&place.merge(&["all"], &["--dry-run"]), 0, "8 of 8 networks are in 1 folder\n");
}

#[test]
fn shares_can_take_turns_in_one_folder_and_the_last_one_reports() {
    let place = Place::new();
    ends(&place.study("one", &[]), 0, "[8/8]");
    for shard in ["3/3", "1/3"] {
        ends(&place.study("turns", &["--shard", shard]), 0, "so there is no report yet");
        // Once more does nothing.
        let again = place.study("turns", &["--shard", shard]);
        ends(&again, 0, "networks are trained already and kept; 0 to train");
        assert!(!place.dir("turns/results.md").exists());
    }
    ends(&place.study("turns", &["--shard", "2/3"]), 0, "figures are in turns");
    same_as_one(&place, "turns");
    // More shares than networks.
    let none = place.study("none", &["--shard", "9/9"]);
    ends(&none, 0, "share 9/9 has 0 of the 8 networks");
    ends(&place.merge(&["one", "none"], &[]), 0, "8 of 8 networks are in 2 folders");
}

#[test]
fn a_plan_that_grows_is_dealt_anew_and_nothing_is_missing() {
    let place = Place::new();
    let names = [("a", "1/3"), ("b", "2/3"), ("c", "3/3")];
    for (name, shard) in names {
        ends(&place.study(name, &["--runs", "1", "--shard", shard]), 0, "is done");
    }
    for (name, shard) in names {
        ends(&place.study(name, &["--shard", shard]), 0, "is done");
    }
    ends(&place.study("one", &[]), 0, "[8/8]");
    ends(&place.merge(&["a", "b", "c"], &["--shards", "3"]), 0, "8 of 8 networks");
    same_as_one(&place, "all");
    // Shares of the smaller plan have what they have, and the larger one lacks the rest.
    ends(&place.study("small", &["--runs", "1", "--shard", "1/3"]), 0, "is done");
    let part = xtask(&["merge", "small", "a", "--out", "part", "--shards", "3"])
        .current_dir(place.0.path())
        .output();
    ends(&part.unwrap(), 3, "of 8 networks are missing");
}

#[test]
fn a_dry_run_tells_the_share() {
    let place = Place::new();
    let mut rest = 8;
    for shard in ["1/3", "2/3", "3/3"] {
        let output = place.study("a", &["--shard", shard, "--dry-run"]);
        let told = String::from_utf8(output.stdout).unwrap();
        let (first, cells) = told.split_once('\n').unwrap();
        assert!(first.ends_with(&format!("in a: share {shard} of 8 networks")), "{told}");
        let networks: usize = first.split_once(' ').unwrap().0.parse().unwrap();
        rest -= networks;
        let runs =
            |line: &str| line.strip_suffix(" runs")?.rsplit(' ').next()?.parse::<usize>().ok();
        let counted: usize = cells.lines().filter_map(runs).sum();
        assert_eq!(counted, networks, "{told}");
    }
    assert_eq!(rest, 0);
    assert!(!place.dir("a").exists());
}

#[test]
fn a_merge_that_is_killed_again_and_again_ends_in_the_same_folder() {
    let place = Place::new();
    place.trained();
    for kill in 0..15 {
        let mut command = place.merge_command(&["a", "b", "c"], &[]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(4 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        if place.dir("all").exists() {
            // What is there is whole at any moment.
            read_records(&place.dir("all")).unwrap();
        }
    }
    ends(&place.merge(&["a", "b", "c"], &[]), 0, "8 of 8");
    same_as_one(&place, "all");
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_merged() {
    let place = Place::new();
    place.trained();
    let record = read_records(&place.dir("a")).unwrap().remove(0);
    let path =
        |name: &str| record_path(Path::new(name), &record.recipe, &record.variant, record.run);

    let other = Record { test_accuracy: Some(1.5), ..record.clone() };
    write_record(&place.dir("b"), &other).unwrap();
    let told = format!("{} and {} are of the same run", path("a").display(), path("b").display());
    ends(&place.merge(&["a", "b", "c"], &[]), 1, &told);
    assert!(!place.dir("all").exists());

    let foreign = Record { follows_from: "ff".to_owned(), ..record.clone() };
    write_record(&place.dir("b"), &foreign).unwrap();
    let told = format!("{} is a record of another sweep", path("b").display());
    ends(&place.merge(&["a", "b", "c"], &[]), 1, &told);

    let whole = fs::read(place.dir("a").join(path(""))).unwrap();
    fs::write(place.dir("b").join(path("")), &whole[..100]).unwrap();
    let told = format!("{} is not a whole record", path("b").display());
    ends(&place.merge(&["a", "b", "c"], &[]), 1, &told);
    fs::remove_file(place.dir("b").join(path(""))).unwrap();

    let network = path("networks-of").display().to_string();
    let network =
        network.replace("networks-of/records", "b/networks").replace("json", "safetensors");
    fs::create_dir_all(place.dir(&network).parent().unwrap()).unwrap();
    let own = record_path(Path::new("b"), "base", "narrow", 0);
    assert_ne!(own, path("b"));
    fs::write(place.dir(&network), "of no record").unwrap();
    let named = place.merge(&["a", "b", "c"], &[]);
    ends(&named, 0, &format!("since they belong to no record:\n  {network}\n"));
    same_as_one(&place, "all");

    ends(&place.study("d", &["--shard", "1/3", "--runs", "1", "--test-every-epoch"]), 0, "done");
    ends(
        &place.merge(&["a", "d"], &[]),
        1,
        "all and d hold sweeps with other settings:\n  test_every",
    );
    ends(&place.merge(&["a", "nowhere"], &[]), 1, "failed to read nowhere");
}

/// What lies among records would keep them from being read.
#[test]
fn no_target_lies_within_what_is_joined_and_no_folder_among_records() {
    let place = Place::new();
    for (name, shard) in [("a", "1/2"), ("b", "2/2")] {
        ends(&place.study(name, &["--shard", shard]), 0, "cargo xtask merge");
    }
    std::os::unix::fs::symlink("a", place.dir("link")).unwrap();
    for out in
        ["a/inside", "a/records/inside", "link/inside", "nowhere/../a/x", "b/networks/base/y/z"]
    {
        for dry in [&[][..], &["--dry-run"]] {
            let mut merge = xtask(&[&["merge", "a", "b", "--out", out], dry].concat());
            let output = merge.current_dir(place.0.path()).output().unwrap();
            ends(&output, 1, "which is only read; name a folder outside");
        }
    }
    for out in ["a/records/inside", "link/predictions/base/narrow", "a/networks"] {
        for dry in [&[][..], &["--dry-run"]] {
            ends(&place.study(out, dry), 1, "of the sweep in");
        }
    }
    assert!(!place.dir("a/inside").exists() && !place.dir("a/records/inside").exists());
    // A share of its own beside what was joined is none of these.
    ends(&place.merge(&["a", "link", "b"], &[]), 0, "8 of 8 networks are in 3 folders");
    ends(&place.study("all/more", &["--shard", "9/9"]), 0, "share 9/9 has 0");
}

/// A study that was ended before its first record leaves what it asks, which is not the next one's.
#[test]
fn a_folder_without_records_can_be_asked_for_anything() {
    let place = Place::new();
    ends(&place.study("a", &["--shard", "9/9"]), 0, "share 9/9 has 0");
    assert!(place.dir("a/study.json").exists());
    let few = ["--set", "epochs=1", "--set", "pairs=40", "--recipe", "paper", "--variant", "mlp"];
    let mut reproduce = xtask(&[&["reproduce", "--runs", "1", "--out", "a"], &few[..]].concat());
    ends(&reproduce.current_dir(place.0.path()).output().unwrap(), 0, "figures are in a");
    assert!(!place.dir("a/study.json").exists());
}

/// Its second note finds a pipe that is full, so that there is time between copying and the report.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_goes_away_before_the_report_is_not_begun_anew() {
    use std::io::{Read as _, Write as _};

    let place = Place::new();
    place.trained();
    let first = "8 of 8 networks are in 3 folders\n";
    let (mut reader, mut writer) = io::pipe().unwrap();
    // Of the pipes that Linux gives (man 7 pipe).
    writer.write_all(&vec![b' '; 65_536 - first.len()]).unwrap();
    let mut command = place.merge_command(&["a", "b", "c"], &[]);
    let mut child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    // The child's alone from now on.
    drop(command);
    let all = place.dir("all");
    let there = || read_records(&all).is_ok_and(|records| records.len() == 8);
    while !there() {
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The last folder is synced yet.
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    fs::rename(&all, place.dir("aside")).unwrap();
    let mut told = String::new();
    reader.read_to_string(&mut told).unwrap();
    let told = told.trim_start();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{told}");
    assert!(told.contains("8 networks were copied to all\n"), "{told}");
    assert!(told.contains("all was moved or removed while it was in use"), "{told}");
    assert!(!all.exists());
    same_as_one(&place, "aside");
}

#[test]
fn exit_codes_tell_a_scheduler_what_to_try_again() {
    let place = Place::new();
    for shard in ["0/3", "4/3", "3"] {
        ends(&place.study("a", &["--shard", shard]), 2, "the last is 8/8");
    }
    ends(&place.merge(&[], &[]), 2, "<DIR>");
    {
        let _owner = Owner::take(&place.dir("a"), "a test").unwrap();
        ends(&place.study("a", &["--shard", "1/3"]), 75, "UTC: a test; wait");
    }
    place.trained();
    {
        let _owner = Owner::take(&place.dir("all"), "a test").unwrap();
        ends(&place.merge(&["a", "b"], &[]), 75, "is in use by process");
    }
    ends(&place.merge(&["a", "b"], &[]), 3, "train what is missing and merge again");

    // A result that is a failure is no reason to try again; one that may not fail again is.
    let record = read_records(&place.dir("one")).unwrap().remove(0);
    for (kind, code, told) in [
        (FailureKind::NotFinite, 1, "1 of 8 runs failed"),
        (FailureKind::Panic, 3, "worth another try"),
    ] {
        let failure = Some(Failure { kind, epoch: None, batch: None, reason: "a test".to_owned() });
        let failed =
            Record { train_accuracy: None, test_accuracy: None, failure, ..record.clone() };
        write_record(&place.dir("one"), &failed).unwrap();
        let merged =
            xtask(&["merge", "one", "--out", "failed"]).current_dir(place.0.path()).output();
        ends(&merged.unwrap(), code, told);
        fs::remove_dir_all(place.dir("failed")).unwrap();
    }
    // It is tried again, and does not fail.
    ends(&place.study("one", &[]), 0, "7 of 8 networks are trained already");

    for arguments in
        [&["--help"][..], &["reproduce", "--help"], &["study", "--help"], &["merge", "--help"]]
    {
        let help = String::from_utf8(xtask(arguments).output().unwrap().stdout).unwrap();
        assert!(help.contains("75  worth another try"), "{help}");
    }
}

/// Through all that an error passes on its way to the exit code.
#[test]
fn a_full_disk_is_worth_another_try_and_a_forbidden_one_is_not() {
    for (kind, expected) in [
        (io::ErrorKind::StorageFull, Exit::TryAgain),
        (io::ErrorKind::PermissionDenied, Exit::Failed),
    ] {
        let record = || RecordError::Write { path: PathBuf::from("a/record"), source: kind.into() };
        let errors = [
            record().into(),
            TrainingError::from(record()).into(),
            MergeError::from(record()).into(),
            MergeError::from(TrainingError::from(record())).into(),
            pairnet_report::ReportError::from(record()).into(),
            anyhow::Error::from(record()).context("the results are printed, not kept"),
        ];
        for error in errors {
            assert_eq!(pairnet_terminal::exit_of(&error), expected, "{error:?}");
        }
    }
}
