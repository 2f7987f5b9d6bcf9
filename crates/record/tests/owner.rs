//! One process writes into a folder at a time.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pairnet_record::{Owner, RecordError, check_writable};

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let entries = fs::read_dir(dir).unwrap().map(name);
    entries.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_second_owner_is_told_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let first = Owner::take(dir.path(), "reproduce --runs 3").unwrap();
    assert!(first.unlocked().is_none());
    let message = Owner::take(dir.path(), "report").unwrap_err().to_string();
    let expected = format!("{} is in use by process {}", dir.path().display(), std::process::id());
    assert!(message.starts_with(&expected), "{message}");
    assert!(message.contains(" UTC: reproduce --runs 3; wait"), "{message}");
    drop(first);
    Owner::take(dir.path(), "report").unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
}

/// What a killed process leaves is a file that nobody has locked.
#[test]
fn words_without_a_lock_keep_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".owner"), "process 1, since 1970: a very long sweep\n").unwrap();
    let owner = Owner::take(dir.path(), "a sweep").unwrap();
    let message = Owner::take(dir.path(), "another").unwrap_err().to_string();
    assert!(message.contains(": a sweep;") && !message.contains("1970"), "{message}");
    drop(owner);
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn of_many_at_once_one_is_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (owners, most, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let compete = || {
        for _ in 0..200 {
            match Owner::take(dir.path(), "one of many") {
                Ok(owner) => {
                    let now = owners.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    owner.check().unwrap();
                    std::thread::yield_now();
                    owners.fetch_sub(1, Ordering::SeqCst);
                }
                Err(RecordError::Owned { .. }) => {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(compete);
        }
    });
    assert_eq!(most.into_inner(), 1);
    assert!(refused.into_inner() > 0);
}

#[test]
fn an_owner_sees_that_its_folder_is_gone() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, aside) = (parent.path().join("a/sweep"), parent.path().join("aside"));
    let owner = Owner::take(&dir, "a sweep").unwrap();
    owner.check().unwrap();
    fs::rename(&dir, &aside).unwrap();
    let message = owner.check().unwrap_err().to_string();
    assert!(message.starts_with(&format!("{} was moved or removed", dir.display())), "{message}");

    // Where it was there is room for another, which the first one leaves alone.
    let other = Owner::take(&dir, "another").unwrap();
    assert!(matches!(owner.check(), Err(RecordError::Gone { .. })));
    assert!(matches!(Owner::take(&aside, "a third"), Err(RecordError::Owned { .. })));
    drop(owner);
    other.check().unwrap();
    Owner::take(&aside, "a third").unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    for dir in [file.clone(), file.join("sweep")] {
        for error in [Owner::take(&dir, "a sweep").err(), check_writable(&dir).err()] {
            let error = error.unwrap().to_string();
            assert!(error.starts_with(&format!("failed to write {}", dir.display())), "{error}");
        }
    }
    check_writable(&parent.path().join("not/yet/there")).unwrap();
    assert_eq!(names(parent.path()), ["file"]);
}

#[test]
fn an_owner_that_moves_its_folder_leaves_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("sweep"), dir.path().join("sweep.old-1"));
    let mut owner = Owner::take(&from, "moves").unwrap();
    std::fs::rename(&from, &to).unwrap();
    assert!(owner.check().is_err());
    owner.moved_to(&to);
    owner.check().unwrap();
    drop(owner);
    assert!(names(&to).is_empty(), "{:?}", names(&to));
}
