//! A changed byte of a file is refused, or changes nothing.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use pairnet_network::{Architecture, Layer};
use pairnet_record::{
    Epoch, Mistake, PREDICTIONS_FORMAT, Pixels, Predictions, Provenance, RECORD_FORMAT,
    RecipeSettings, Record, RecordError, Reference, STUDY_FORMAT, SWEEP_FORMAT, Settings, Study,
    Sweep, Timing, read_predictions, read_record, read_study, read_sweep, sweep_path,
    write_predictions, write_record, write_study, write_sweep,
};

fn record() -> Record {
    Record {
        format: RECORD_FORMAT,
        recipe: "paper".to_owned(),
        variant: "mlp".to_owned(),
        run: 0,
        seed: 7,
        follows_from: "00ff".to_owned(),
        parameters: 96_137,
        train_accuracy: Some(98.7),
        test_accuracy: Some(79.9),
        failure: None,
        epochs: vec![Epoch {
            total_loss: 0.5,
            main_loss: 1e-7,
            auxiliary_loss: None,
            train_accuracy: 60.0,
            test_accuracy: None,
        }],
        timing: Timing { seconds: 1.5 },
    }
}

fn predictions() -> Predictions {
    Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: "paper".to_owned(),
        variant: "mlp".to_owned(),
        run: 0,
        seed: 7,
        follows_from: "00ff".to_owned(),
        classes: vec![[3, 5], [7, 1]],
        probabilities: vec![0.9312, 0.7],
        mistakes: vec![Mistake {
            pair: 1,
            images: [Pixels([175; Pixels::COUNT]); 2],
            posteriors: [[0.1; 10]; 2],
        }],
    }
}

fn sweep() -> Sweep {
    let fields = serde_json::json!({ "epochs": 25, "learning_rate": 0.01, "loss": null });
    Sweep {
        format: SWEEP_FORMAT,
        settings: Settings {
            recipes: vec![RecipeSettings { name: "paper".to_owned(), fields }],
            variants: vec!["mlp".to_owned()],
            runs: 10,
            seed: 0,
            device: "cpu".to_owned(),
            test_every_epoch: false,
            data: [("train-images-idx3-ubyte".to_owned(), "ba89".to_owned())].into(),
        },
        networks: Vec::new(),
        provenance: Provenance {
            version: "0.1.0".to_owned(),
            git_revision: None,
            git_dirty: Some(false),
            machine: "a processor, 2 cores".to_owned(),
        },
    }
}

fn study() -> Study {
    Study {
        format: STUDY_FORMAT,
        title: "Longer".to_owned(),
        question: "Is it \"enough\"?".to_owned(),
        base: "paper".to_owned(),
        base_network: Some("mlp".to_owned()),
        contrasts: vec![["mlp-ws".to_owned(), "mlp".to_owned()]],
        axes: vec!["epochs".to_owned()],
        references: vec![Reference {
            source: "a table".to_owned(),
            cell: "paper".to_owned(),
            network: "mlp".to_owned(),
            mean: 79.56,
            std: None,
        }],
    }
}

/// Puts other values in the place of each byte of the file `path`, one at a time, and reads it; and
/// a byte more there, and one less.
fn change_each_byte<T: PartialEq + std::fmt::Debug>(
    path: &Path,
    read: impl Fn() -> Result<T, RecordError>,
) {
    let whole = fs::read(path).unwrap();
    let original = read().unwrap();
    // Written over and not anew: some file systems wait for the disk after a file was emptied.
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let mut is_accepted = |changed: &[u8]| {
        file.rewind().unwrap();
        file.write_all(changed).unwrap();
        file.set_len(changed.len() as u64).unwrap();
        let Ok(value) = read() else { return false };
        assert_eq!(value, original, "{}", String::from_utf8_lossy(changed));
        true
    };
    let mut accepted = 0;
    for place in 0..whole.len() {
        let flipped = (0..8).map(|bit| whole[place] ^ (1 << bit));
        let others = flipped.chain(*b" \n\"\\{}[],:.-+0123456789eEnulltrue\0\xff");
        for byte in others.filter(|&byte| byte != whole[place]) {
            let mut changed = whole.clone();
            changed[place] = byte;
            accepted += usize::from(is_accepted(&changed));
        }
        is_accepted(&[&whole[..place], b"1", &whole[place..]].concat());
        is_accepted(&[&whole[..place], &whole[place + 1..]].concat());
    }
    // White space for white space.
    assert!(accepted < whole.len(), "{accepted} changes of {} bytes were accepted", whole.len());
}

#[test]
fn no_changed_byte_of_a_record_reaches_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record()).unwrap();
    change_each_byte(&path, || read_record(&path));
}

#[test]
fn no_changed_byte_of_predictions_reaches_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_predictions(dir.path(), &predictions()).unwrap();
    change_each_byte(&path, || read_predictions(dir.path(), "paper", "mlp", 0));
}

#[test]
fn no_changed_byte_of_a_sweep_reaches_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_sweep(dir.path(), &sweep()).unwrap();
    // A file that is not there is no sweep; one that is there is one, or an error.
    change_each_byte(&path, || read_sweep(dir.path()));
}

/// The file of [`record`], with `from` become `to`.
fn changed(dir: &Path, from: &str, to: &str) -> RecordError {
    let path = write_record(dir, &record()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let error = read_record(&path).unwrap_err();
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    error
}

#[test]
fn a_change_is_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("79.9", "99.9"),
        ("\"run\": 0", "\"run\": 1"),
        ("\"seed\": 7", "\"luck\": 1,\n  \"seed\": 7"),
        ("\"failure\": null,", ""),
        ("d016", "d010"),
    ] {
        let error = changed(dir.path(), from, to);
        assert!(matches!(error, RecordError::Checksum { what: "record", .. }), "{from}: {error}");
    }
    let error = changed(dir.path(), "\"seconds\": 1.5", "\"seconds\": 2.5");
    assert!(error.to_string().contains("the timing was changed since it was written"), "{error}");
}

/// Any program that writes the same values writes a file that can be read.
#[test]
fn layout_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_record(dir.path(), &record()).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // On one line, with its keys in the order of the alphabet.
    fs::write(&path, value.to_string()).unwrap();
    assert_eq!(read_record(&path).unwrap(), record());
}

#[test]
fn equal_runs_differ_in_their_timing_alone() {
    let dir = tempfile::tempdir().unwrap();
    let text = |seconds| {
        let record = Record { timing: Timing { seconds }, ..record() };
        fs::read_to_string(write_record(dir.path(), &record).unwrap()).unwrap()
    };
    let (fast, slow) = (text(1.5), text(2.25));
    let lines = fast.lines().zip(slow.lines());
    let differing: Vec<_> = lines.filter(|(fast, slow)| fast != slow).collect();
    let [(seconds, _), (checksum, _)] = &differing[..] else { panic!("{differing:?}") };
    assert!(seconds.contains("\"seconds\"") && checksum.starts_with("    \"checksum\""), "{fast}");
}

#[test]
fn a_sweep_has_runs_and_not_too_many() {
    let dir = tempfile::tempdir().unwrap();
    for runs in [0, 100_001, usize::MAX] {
        let mut sweep = sweep();
        sweep.settings.runs = runs;
        let error = write_sweep(dir.path(), &sweep).unwrap_err().to_string();
        assert!(error.contains(&format!("settings.runs = {runs}: ")), "{error}");
    }
    assert!(!sweep_path(dir.path()).exists());
}

/// Which of two networks of one name a record is of, nothing would tell.
#[test]
fn what_a_sweep_names_has_a_name_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let network = Architecture {
        name: "one".to_owned(),
        backbone: "mlp".to_owned(),
        weight_sharing: false,
        auxiliary_loss: false,
        branch: None,
        comparator: vec![Layer::linear(392, 1, &[])],
    };
    type Repeat = fn(&mut Sweep, Architecture);
    let repeat: [(&str, Repeat); 3] = [
        ("settings.recipes = paper", |sweep, _| {
            let recipe = sweep.settings.recipes[0].clone();
            sweep.settings.recipes.push(recipe);
        }),
        ("settings.variants = mlp", |sweep, _| sweep.settings.variants.push("mlp".to_owned())),
        ("networks = one", |sweep, network| sweep.networks = vec![network.clone(), network]),
    ];
    for (told, repeat) in repeat {
        let mut sweep = sweep();
        repeat(&mut sweep, network.clone());
        let error = write_sweep(dir.path(), &sweep).unwrap_err().to_string();
        assert!(error.contains(&format!("{told}: it is there twice")), "{error}");
    }
    assert!(!sweep_path(dir.path()).exists());
}

#[test]
fn no_changed_byte_of_a_study_reaches_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_study(dir.path(), &study()).unwrap();
    change_each_byte(&path, || read_study(dir.path()).map(|study| study.unwrap()));
}
