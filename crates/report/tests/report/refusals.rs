//! Records that give no results, and what is said of them.

use std::fs;
use std::path::Path;

use crate::pictured::{pictured, pictured_folder, predict};
use crate::sweeps::{full, record, sweep};
use pairnet_network::{Layer, Step};
use pairnet_record::{
    Epoch, Record, Sweep, read_predictions, read_record, record_path, write_predictions,
    write_record,
};
use pairnet_report::{Answers, Summary, read_report, summarise};

fn refusal(sweep: &Sweep, records: &[Record]) -> String {
    summarise(sweep, None, records, &Answers::default()).unwrap_err().to_string()
}

fn mlp(run: usize) -> Record {
    record("paper", "mlp", run, (99.0, 80.0))
}

/// As a table has them, which has a place for each.
#[test]
fn results_without_an_entry_for_each_network_are_refused() {
    let (sweep, records) = full();
    let summary = summarise(&sweep, None, &records, &Answers::default()).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&summary.to_json().unwrap()).unwrap();
    for change in [
        (|all| drop(all.remove(1))) as fn(&mut Vec<serde_json::Value>),
        |all| drop(all.pop()),
        |all| all.swap(0, 1),
        |all| all.extend_from_within(..1),
        Vec::clear,
    ] {
        let mut changed = whole.clone();
        change(changed["entries"].as_array_mut().unwrap());
        let error = Summary::from_json(&changed.to_string()).unwrap_err().to_string();
        assert!(error.starts_with("the results have other entries than one"), "{error}");
    }
}

#[test]
fn a_folder_without_a_sweep_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = read_report(dir.path()).unwrap_err().to_string();
    let expected = format!("{} holds no sweep", dir.path().display());
    assert!(message.starts_with(&expected), "{message}");
}

/// What the folder of a whole sweep gives after `spoil`.
fn refusal_of_folder(spoil: fn(&Path)) -> String {
    let dir = pictured_folder();
    assert!(read_report(dir.path()).is_ok());
    spoil(dir.path());
    read_report(dir.path()).unwrap_err().to_string()
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn versions_that_are_not_known_are_named() {
    let message = refusal_of_folder(|dir| {
        replace(&dir.join("sweep.json"), "\"format\": 3", "\"format\": 7");
    });
    assert!(message.contains("sweep.json has sweep format 7"), "{message}");
    let message = refusal_of_folder(|dir| {
        let path = dir.join("records/paper/lenet5/1.json");
        replace(&path, "\"format\": 2", "\"format\": \"new\"");
    });
    assert!(message.contains("1.json has record format \"new\""), "{message}");
    let message = refusal_of_folder(|dir| {
        let path = dir.join("predictions/paper/lenet5-ws-al/1.json");
        replace(&path, "\"format\":2", "\"format\":3");
    });
    assert!(message.contains("has set of predictions format 3"), "{message}");
}

/// A digit changed in any file, of the best network or another.
#[test]
fn changed_files_are_refused() {
    for (file, from, to) in [
        ("sweep.json", "\"epochs\": 4", "\"epochs\": 5"),
        ("records/paper/lenet5/1.json", "\"test_accuracy\": 79.5", "\"test_accuracy\": 99.5"),
        ("records/authors/lenet5-al/0.json", "\"main_loss\": 0.3", "\"main_loss\": 0.2"),
        ("records/paper/lenet5-ws-al/2.json", "\"seconds\": 1", "\"seconds\": 2"),
        ("predictions/paper/lenet5-ws-al/1.json", "0.98", "0.97"),
    ] {
        let dir = pictured_folder();
        replace(&dir.path().join(file), from, to);
        let message = read_report(dir.path()).unwrap_err().to_string();
        assert!(message.contains("was changed since it was written"), "{file}: {message}");
    }
}

#[test]
fn a_record_that_was_copied_to_another_run_is_refused() {
    let message = refusal_of_folder(|dir| {
        let folder = dir.join("records/authors/lenet5-ws-al");
        fs::copy(folder.join("1.json"), folder.join("2.json")).unwrap();
    });
    assert!(message.contains("2.json belongs to"), "{message}");
}

#[test]
fn a_record_of_another_network_is_refused_though_all_runs_agree() {
    let (mut asked, records) = pictured();
    asked.networks[0].comparator = vec![Layer::linear(392, 1, &[])];
    let message = refusal(&asked, &records);
    assert!(
        message.contains("lenet5 run 0 has parameters 913 where the sweep has 393"),
        "{message}"
    );
    let (mut asked, records) = pictured();
    asked.settings.recipes[1].fields["epochs"] = 25.into();
    let message = refusal(&asked, &records);
    assert!(message.contains("lenet5 run 0 has epochs 4 where the sweep has 25"), "{message}");
}

#[test]
fn predictions_that_are_not_those_behind_the_record_are_refused() {
    let message = refusal_of_folder(|dir| predict(dir, 1, 4));
    let expected = "the predictions of paper/lenet5-ws-al run 1 are right on 80.0 %";
    assert!(message.starts_with(expected), "{message}");
    let message = refusal_of_folder(|dir| {
        let mut other = read_predictions(dir, "paper", "lenet5-ws-al", 0).unwrap();
        other.seed = 5;
        write_predictions(dir, &other).unwrap();
    });
    assert!(message.contains("or of another seed"), "{message}");
}

/// Whole files of another sweep, at their place in this one.
#[test]
fn foreign_files_are_refused() {
    let foreign = |change: fn(&mut Sweep)| {
        let (mut other, _) = pictured();
        change(&mut other);
        other.follows_from("paper", "lenet5-ws-al").unwrap()
    };
    for follows_from in [
        foreign(|sweep| sweep.settings.recipes[0].fields["epochs"] = 5.into()),
        foreign(|sweep| sweep.networks[3].comparator[0].steps.push(Step::Relu)),
        foreign(|sweep| {
            sweep.settings.data.insert("train-images-idx3-ubyte".to_owned(), "ba89".to_owned());
        }),
    ] {
        let dir = pictured_folder();
        let path = record_path(dir.path(), "paper", "lenet5-ws-al", 1);
        let own = read_record(&path).unwrap();
        let other = Record { follows_from: follows_from.clone(), ..own.clone() };
        write_record(dir.path(), &other).unwrap();
        let message = read_report(dir.path()).unwrap_err().to_string();
        let expected = format!("{} is a record of another sweep", path.display());
        assert!(message.starts_with(&expected), "{message}");

        write_record(dir.path(), &own).unwrap();
        let mut other = read_predictions(dir.path(), "paper", "lenet5-ws-al", 1).unwrap();
        other.follows_from = follows_from;
        write_predictions(dir.path(), &other).unwrap();
        let message = read_report(dir.path()).unwrap_err().to_string();
        assert!(message.contains("is a set of predictions of another sweep"), "{message}");
    }
}

#[test]
fn a_sweep_without_records_is_refused() {
    let message = refusal(&full().0, &[]);
    assert!(message.contains("none of its 160 runs is trained"), "{message}");
}

#[test]
fn two_records_of_one_run_are_refused() {
    let message = refusal(&sweep(&["paper"], &["mlp"], 2), &[mlp(0), mlp(1), mlp(0)]);
    assert!(message.starts_with("there are two records of paper/mlp run 0"), "{message}");
}

#[test]
fn records_that_were_not_asked_for_are_refused() {
    let asked = sweep(&["paper"], &["mlp"], 2);
    for (stray, named) in [
        (mlp(2), "paper/mlp run 2"),
        (record("authors", "mlp", 0, (99.0, 80.0)), "authors/mlp run 0"),
        (record("paper", "lenet5", 0, (99.0, 80.0)), "paper/lenet5 run 0"),
    ] {
        let message = refusal(&asked, &[mlp(0), stray]);
        assert!(message.starts_with(&format!("there is a record of {named}")), "{message}");
    }
}

#[test]
fn records_of_other_settings_are_refused() {
    let asked = sweep(&["paper"], &["mlp"], 2);
    let losses = Epoch {
        total_loss: 0.7,
        main_loss: 0.7,
        auxiliary_loss: None,
        train_accuracy: 50.0,
        test_accuracy: None,
    };
    for (other, difference) in [
        (Record { seed: 7, ..mlp(1) }, "seed 7 where the sweep has 0"),
        (Record { parameters: 1, ..mlp(1) }, "parameters 1 where the sweep has 30841"),
        (Record { epochs: vec![losses], ..mlp(1) }, "epochs 1 where the sweep has 0"),
    ] {
        let message = refusal(&asked, &[mlp(0), other]);
        assert!(message.starts_with(&format!("paper/mlp run 1 has {difference}")), "{message}");
    }
}

#[test]
fn records_without_a_number_are_refused() {
    let asked = sweep(&["paper"], &["mlp"], 2);
    for accuracy in [None, Some(f64::NAN)] {
        let message = refusal(&asked, &[mlp(0), Record { test_accuracy: accuracy, ..mlp(1) }]);
        assert!(message.starts_with("paper/mlp run 1 has neither"), "{message}");
    }
}

#[test]
fn a_sweep_that_asks_twice_is_refused() {
    let message = refusal(&sweep(&["paper"], &["mlp", "mlp"], 1), &[mlp(0)]);
    assert_eq!(message, "the sweep asks for the variant 'mlp' twice; name it once");
}
