//! What is written is what is read, and what cannot be read is named.

use std::fs;
use std::path::{Path, PathBuf};

use pairnet_record::{
    Epoch, Failure, FailureKind, RECORD_FORMAT, Record, RecordError, Timing, read_record,
    read_records, read_sweep, record_path, write_atomically, write_record,
};
use proptest::prelude::*;

fn record(recipe: &str, variant: &str, run: usize) -> Record {
    Record {
        format: RECORD_FORMAT,
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        run,
        seed: 7,
        follows_from: "00ff".to_owned(),
        parameters: 79_439,
        train_accuracy: Some(98.7),
        test_accuracy: Some(92.9),
        failure: None,
        epochs: vec![Epoch {
            total_loss: 0.5,
            main_loss: 0.25,
            auxiliary_loss: Some(4.5),
            train_accuracy: 60.0,
            test_accuracy: None,
        }],
        timing: Timing { seconds: 1.5 },
    }
}

fn failed() -> Record {
    let failure = Failure {
        kind: FailureKind::NotFinite,
        epoch: Some(1),
        batch: Some(3),
        reason: "main loss is NaN".to_owned(),
    };
    Record {
        train_accuracy: None,
        test_accuracy: None,
        failure: Some(failure),
        ..record("paper", "mlp", 0)
    }
}

/// `text` where the record of `paper`, `mlp`, run 0 belongs.
fn written(dir: &Path, text: &str) -> PathBuf {
    let path = record_path(dir, "paper", "mlp", 0);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_bytes_of_a_record_are_fixed() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp-ws-al", 2)).unwrap();
    let expected = r#"{
  "format": 2,
  "recipe": "paper",
  "variant": "mlp-ws-al",
  "run": 2,
  "seed": 7,
  "follows_from": "00ff",
  "parameters": 79439,
  "train_accuracy": 98.7,
  "test_accuracy": 92.9,
  "failure": null,
  "epochs": [
    {
      "total_loss": 0.5,
      "main_loss": 0.25,
      "auxiliary_loss": 4.5,
      "train_accuracy": 60.0,
      "test_accuracy": null
    }
  ],
  "timing": {
    "seconds": 1.5,
    "checksum": "TIMING"
  },
  "checksum": "CONTENT"
}
"#;
    // Python: sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()), value being
    // timing, or the record without it, in either case without a checksum.
    let timing = "4d5fcac9c47ce07acf78133476884c162be41ff2d3fff9740be2b7dd83fcb10b";
    let content = "e2fb7650500d8c2329b2d87e16e99539943c1742e355211333f868f483d79e61";
    let expected = expected.replace("TIMING", timing).replace("CONTENT", content);
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn records_come_by_recipe_variant_and_number() {
    let dir = tempfile::tempdir().unwrap();
    let names = [("paper", "mlp", 10), ("paper", "mlp", 9), ("authors", "mlp", 0)];
    for (recipe, variant, run) in names {
        write_record(dir.path(), &record(recipe, variant, run)).unwrap();
    }
    let found: Vec<_> =
        read_records(dir.path()).unwrap().into_iter().map(|r| (r.recipe, r.run)).collect();
    let expected = [("authors", 0), ("paper", 9), ("paper", 10)];
    assert_eq!(found, expected.map(|(recipe, run)| (recipe.to_owned(), run)));
}

#[test]
fn a_folder_without_a_sweep_has_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_records(dir.path()).unwrap(), []);
    assert_eq!(read_sweep(dir.path()).unwrap(), None);
}

#[test]
fn a_failed_run_is_a_record_without_accuracies() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &failed()).unwrap();
    assert_eq!(read_record(&path).unwrap(), failed());
}

#[test]
fn records_of_the_same_run_differ_only_in_timing() {
    let slower = Record { timing: Timing { seconds: 9.0 }, ..record("paper", "mlp", 0) };
    assert_ne!(slower, record("paper", "mlp", 0));
    assert_eq!(slower.without_timing(), record("paper", "mlp", 0).without_timing());
}

#[test]
fn what_cannot_have_been_measured_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let good = || record("paper", "mlp", 0);
    let epoch = |main_loss| vec![Epoch { main_loss, ..good().epochs[0].clone() }];
    let cases = [
        (Record { test_accuracy: Some(f64::NAN), ..good() }, "test_accuracy = NaN"),
        (Record { train_accuracy: Some(100.5), ..good() }, "train_accuracy = 100.5"),
        (Record { test_accuracy: None, ..good() }, "test_accuracy = null"),
        (Record { test_accuracy: Some(50.0), ..failed() }, "test_accuracy = 50"),
        (Record { epochs: epoch(f64::INFINITY), ..good() }, "epochs[0].main_loss = inf"),
        (Record { timing: Timing { seconds: -1.0 }, ..good() }, "timing.seconds = -1"),
        (Record { recipe: "../paper".to_owned(), ..good() }, "recipe = '../paper'"),
        (Record { variant: String::new(), ..good() }, "variant = ''"),
        (Record { format: 1, ..good() }, "record format 1"),
    ];
    for (record, expected) in cases {
        let message = write_record(dir.path(), &record).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(read_records(dir.path()).unwrap(), []);
}

#[test]
fn a_number_that_is_not_finite_is_no_null() {
    let record = Record { test_accuracy: Some(f64::NAN), ..record("paper", "mlp", 0) };
    assert!(serde_json::to_string(&record).is_err());
}

#[test]
fn another_version_is_named_whatever_else_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    for (text, found) in
        [(r#"{"format": 1, "runs": []}"#, "1"), (r#"{"format": "2"}"#, "\"2\""), ("{}", "(none)")]
    {
        let path = written(dir.path(), text);
        let message = read_record(&path).unwrap_err().to_string();
        let expected =
            format!("{} has record format {found}, this program reads format 2", path.display());
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn half_a_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp", 0)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    for text in ["", &whole[..whole.len() / 2], &whole[..whole.len() - 2]] {
        let path = written(dir.path(), text);
        let error = read_record(&path).unwrap_err();
        assert!(matches!(error, RecordError::Parse { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn a_file_that_is_longer_than_it_can_be_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp", 0)).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let error = read_record(&path).unwrap_err();
    let (length, most) = (1 << 40, 1 << 29);
    assert!(
        matches!(&error, RecordError::TooLong { length: l, most: m, .. } if (*l, *m) == (length, most))
    );
    let told =
        format!("{} has {length} bytes or more, what belongs there has {most}", path.display());
    assert!(error.to_string().starts_with(&told), "{error}");
    // What tells no length is read as far as it can go, and no further.
    if cfg!(unix) {
        let endless = pairnet_record::read_at_most(Path::new("/dev/zero"), 1000).unwrap_err();
        assert!(matches!(endless, RecordError::TooLong { length: 1001, .. }), "{endless}");
    }
}

#[test]
fn a_record_elsewhere_than_it_belongs_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp", 0)).unwrap();
    for copy in ["records/paper/mlp/1.json", "records/paper/mlp/00.json", "records/b/mlp/0.json"] {
        let copy = dir.path().join(copy);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&path, &copy).unwrap();
        let error = read_records(dir.path()).unwrap_err();
        assert!(matches!(error, RecordError::Misplaced { .. }), "{error}");
        fs::remove_file(copy).unwrap();
    }
}

#[test]
fn what_is_no_record_is_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp", 0)).unwrap();
    for stray in ["records/paper/mlp/0.json~", "records/paper/notes.txt"] {
        let stray = dir.path().join(stray);
        fs::copy(&path, &stray).unwrap();
        let error = read_records(dir.path()).unwrap_err();
        assert!(matches!(error, RecordError::Stray { .. }), "{error}");
        fs::remove_file(stray).unwrap();
    }
}

#[test]
fn what_a_killed_program_left_is_no_record_and_goes_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record("paper", "mlp", 0)).unwrap();
    let left = path.with_file_name(".1.json.pairnet-part");
    fs::write(&left, "{\"format\": 1, \"rec").unwrap();
    assert_eq!(read_records(dir.path()).unwrap().len(), 1);
    write_record(dir.path(), &record("paper", "mlp", 1)).unwrap();
    assert_eq!(read_records(dir.path()).unwrap().len(), 2);
    assert!(!left.exists());
}

#[test]
fn writers_side_by_side_leave_one_of_their_files_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/file");
    let contents: Vec<_> = (0..8_u8).map(|byte| vec![byte; 100_000]).collect();
    std::thread::scope(|scope| {
        for content in &contents {
            scope.spawn(|| write_atomically(&path, content).unwrap());
        }
    });
    assert!(contents.contains(&fs::read(&path).unwrap()));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("taken");
    fs::create_dir(&path).unwrap();
    let message = write_atomically(&path, b"").unwrap_err().to_string();
    assert!(message.starts_with(&format!("failed to write {}", path.display())), "{message}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_number_comes_back_to_the_last_bit(
        loss in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
        accuracy in 0.0..=100.0,
        seed: u64,
        reason: String,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut whole = record("paper", "mlp", 0);
        whole.seed = seed;
        whole.test_accuracy = Some(accuracy);
        whole.epochs[0].total_loss = loss;
        let mut broken = failed();
        broken.run = 1;
        broken.failure = Some(Failure { kind: FailureKind::Panic, epoch: None, batch: None, reason });
        for record in [&whole, &broken] {
            write_record(dir.path(), record).unwrap();
        }
        prop_assert_eq!(read_records(dir.path()).unwrap(), [whole, broken]);
    }
}
