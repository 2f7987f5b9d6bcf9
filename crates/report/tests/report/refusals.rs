//! Records that give no results, and what is said of them.

use crate::sweeps::{full, record, sweep};
use pairnet_record::{Epoch, Record, Sweep};
use pairnet_report::{read_report, summarise};

fn refusal(sweep: &Sweep, records: &[Record]) -> String {
    summarise(sweep, records).unwrap_err().to_string()
}

fn mlp(run: usize) -> Record {
    record("paper", "mlp", run, (99.0, 80.0))
}

#[test]
fn a_folder_without_a_sweep_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let message = read_report(dir.path()).unwrap_err().to_string();
    let expected = format!("{} holds no sweep", dir.path().display());
    assert!(message.starts_with(&expected), "{message}");
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
