//! `--fresh`, by whatever name the folder is called.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{err, small_sweep, sweep, xtask};

/// The seed of the sweep in `dir`, which must be there with its record.
fn seed(dir: &Path) -> u64 {
    let records = pairnet_record::read_records(dir).unwrap();
    assert_eq!(records.len(), 1, "{}", dir.display());
    records[0].seed
}

/// In a folder that holds an older sweep of seed 0 as `folder`, and a link to it: makes way for one of
/// seed 1 in `out`, called so in the folder `from`.
fn make_way(older: &Path, folder: impl AsRef<OsStr>, from: &str, out: impl AsRef<OsStr>) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let home = temporary.path().canonicalize().unwrap();
    let folder = home.join(folder.as_ref());
    assert!(Command::new("cp").arg("-r").arg(older).arg(&folder).status().unwrap().success());
    symlink(&folder, home.join("link")).unwrap();
    symlink("nowhere", folder.with_file_name("folder.old-1")).unwrap();

    let mut command = sweep(1, out);
    let output = command.args(["--seed", "1", "--fresh"]).current_dir(home.join(from));
    let output = output.output().unwrap();
    assert!(output.status.success(), "{}", err(&output));

    // One of them is a name that is taken.
    let mut aside = [".old-1", ".old-2"].map(|end| {
        let mut name = OsString::from(folder.file_name().unwrap());
        name.push(end);
        folder.with_file_name(name)
    });
    aside.sort_by_key(|aside| !aside.exists());
    assert_eq!((seed(&aside[0]), seed(&folder)), (0, 1), "{}", err(&output));
    assert!(home.join("link").is_symlink());
    assert_eq!(seed(&home.join("link")), 1);
    assert!(err(&output).contains(&format!("to {}", aside[0].display())), "{}", err(&output));
    assert_eq!(fs::read_dir(&home).unwrap().count(), 4);
    err(&output)
}

#[test]
fn fresh_moves_the_folder_that_is_meant() {
    let older = small_sweep();
    for out in ["folder", "folder/", "./folder//", "folder/.", "folder/records/..", "link", "link/"]
    {
        let told = make_way(older.path(), "folder", "", out);
        assert!(!told.contains("working directory"), "{out}: {told}");
    }
}

#[test]
fn fresh_moves_the_working_directory_and_says_so() {
    let older = small_sweep();
    for (from, out) in [("folder", "."), ("folder", "./"), ("link", "."), ("folder/records", "..")]
    {
        let told = make_way(older.path(), "folder", from, out);
        assert!(told.contains("the working directory went along: `cd /"), "{from} {out}: {told}");
    }
}

#[test]
fn names_that_are_not_utf_8_come_through_whole() {
    let older = small_sweep();
    let name = OsStr::from_bytes(b"caf\xe9 \xff");
    make_way(older.path(), name, "", name);
    // It was not moved to what it looks like.
    make_way(older.path(), name, "", "link");
}

#[test]
fn what_is_no_sweep_is_not_moved() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("letter"), "dear").unwrap();
    for more in [&["--fresh"][..], &["--fresh", "--dry-run"]] {
        let output = sweep(1, home.path()).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            err(&output).contains("holds no sweep, and --fresh moves nothing"),
            "{}",
            err(&output)
        );
    }
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["letter"]);

    let output = sweep(1, "/proc").arg("--fresh").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("/proc holds no sweep, and --fresh moves"), "{}", err(&output));
    assert!(err(&output).contains("name another folder with --out"), "{}", err(&output));
}

#[test]
fn a_strange_picture_is_found_by_any_name() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let copy = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(docs.join(".")).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    let check = || {
        let mut command = xtask();
        command.args(["report", "--check"]).arg(copy.path().join("results.json")).output().unwrap()
    };
    assert!(check().status.success());
    fs::write(copy.path().join("figures").join(OsStr::from_bytes(b"\xff.svg")), "").unwrap();
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(".svg is no picture of"), "{}", err(&output));
}
