//! Folders of one sweep, joined, and what keeps them apart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, variant};
use pairnet_record::{
    Epoch, Failure, FailureKind, Owner, PREDICTIONS_FORMAT, Predictions, Provenance, RECORD_FORMAT,
    Record, STUDY_FORMAT, Study, Sweep, Timing, predictions_path, read_record, read_records,
    read_study, read_sweep, record_path, study_path, write_predictions, write_record, write_study,
    write_sweep,
};
use pairnet_training::{Plan, Recipe, Setup, Survey, follows_from, survey};

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

fn plan(seed: u64) -> Plan {
    let variants = ["mlp", "mlp-ws"].map(|name| variant(name).unwrap().clone()).to_vec();
    Plan { recipes: vec![Recipe { pairs: 2, ..Recipe::paper() }], variants, runs: 3, seed }
}

fn setup() -> Setup {
    Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None }
}

fn asked(plan: &Plan, machine: &str) -> Sweep {
    let (version, machine) = ("0".to_owned(), machine.to_owned());
    let provenance = Provenance { version, git_revision: None, git_dirty: None, machine };
    plan.asked(&setup(), mnist(), provenance).unwrap()
}

/// A record that training could have left, in `seconds`.
fn record(plan: &Plan, variant: &str, run: usize, seconds: f64) -> Record {
    let network = plan.variants.iter().find(|network| network.name == variant).unwrap();
    let recipe = &plan.recipes[0];
    let epoch = Epoch {
        total_loss: 0.5,
        main_loss: 0.5,
        auxiliary_loss: None,
        train_accuracy: 75.0,
        test_accuracy: None,
    };
    Record {
        format: RECORD_FORMAT,
        recipe: recipe.name.clone(),
        variant: variant.to_owned(),
        run,
        seed: plan.seed,
        follows_from: follows_from(recipe, network, plan.seed, mnist(), &setup()).unwrap(),
        parameters: network.parameters(),
        train_accuracy: Some(100.0),
        test_accuracy: Some(50.0),
        failure: None,
        epochs: vec![epoch; recipe.epochs],
        timing: Timing { seconds },
    }
}

fn predictions(record: &Record) -> Predictions {
    Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: record.recipe.clone(),
        variant: record.variant.clone(),
        run: record.run,
        seed: record.seed,
        follows_from: record.follows_from.clone(),
        classes: vec![[1, 2], [2, 1]],
        probabilities: vec![0.75, 0.75],
        mistakes: Vec::new(),
    }
}

fn failed(record: Record, kind: FailureKind) -> Record {
    let failure = Failure { kind, epoch: None, batch: None, reason: "a test".to_owned() };
    Record { train_accuracy: None, test_accuracy: None, failure: Some(failure), ..record }
}

/// A folder with these runs of both networks, each in as many seconds as `seconds` says.
fn folder(dir: &Path, runs: &[(&str, usize)], seconds: f64) -> PathBuf {
    let plan = plan(1);
    write_sweep(dir, &asked(&plan, "a machine")).unwrap();
    for &(variant, run) in runs {
        let record = record(&plan, variant, run, seconds);
        write_predictions(dir, &predictions(&record)).unwrap();
        write_record(dir, &record).unwrap();
    }
    dir.to_owned()
}

/// Two folders with all six runs between them, and a target that is not there yet.
fn two() -> (tempfile::TempDir, [PathBuf; 3]) {
    let parent = tempfile::tempdir().unwrap();
    let [a, b, target] = ["a", "b", "target"].map(|name| parent.path().join(name));
    folder(&a, &[("mlp", 0), ("mlp", 2), ("mlp-ws", 1)], 1.0);
    folder(&b, &[("mlp", 1), ("mlp-ws", 0), ("mlp-ws", 2)], 2.0);
    (parent, [a, b, target])
}

fn merge(dirs: &[&PathBuf], target: &Path) -> (Survey, usize) {
    let dirs: Vec<PathBuf> = dirs.iter().map(|dir| (*dir).clone()).collect();
    let owner = Owner::take(target, "a test").unwrap();
    let survey = survey(&dirs, target).unwrap();
    let copied = survey.write(&owner, &AtomicBool::new(false)).unwrap();
    (survey, copied)
}

fn refusal(dirs: &[&PathBuf], target: &Path) -> String {
    let dirs: Vec<PathBuf> = dirs.iter().map(|dir| (*dir).clone()).collect();
    survey(&dirs, target).unwrap_err().to_string()
}

/// Every file below `dir`, but for those that start with a dot, with its bytes.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn folders_are_joined_byte_for_byte_once_or_often_in_any_order() {
    let (parent, [a, b, target]) = two();
    let (survey, copied) = merge(&[&a, &b], &target);
    assert_eq!((survey.there(), survey.missing.len(), survey.double, copied), (6, 0, 0, 6));
    for dir in [&a, &b] {
        for record in read_records(dir).unwrap() {
            for path in [record_path, predictions_path] {
                let path = |dir: &Path| path(dir, &record.recipe, &record.variant, record.run);
                assert_eq!(fs::read(path(dir)).unwrap(), fs::read(path(&target)).unwrap());
            }
        }
    }
    assert_eq!(read_records(&target).unwrap().len(), 6);
    let before = files(&target);
    for dirs in [&[&a, &b][..], &[&b, &a], &[&a], &[&target], &[&target, &b]] {
        let (survey, copied) = merge(dirs, &target);
        assert_eq!((survey.missing.len(), copied), (0, 0));
        assert_eq!(files(&target), before);
    }
    let other = parent.path().join("other");
    merge(&[&b, &a, &target], &other);
    assert_eq!(files(&other).len(), before.len());
    // One of the sources, which grows.
    let (survey, copied) = merge(&[&a, &b], &a);
    assert_eq!((survey.missing.len(), survey.double, copied), (0, 0, 3));
    assert_eq!(read_records(&a).unwrap(), read_records(&target).unwrap());
}

#[test]
fn what_is_missing_is_named() {
    let (_parent, [a, b, target]) = two();
    let (survey, _) = merge(&[&b], &target);
    let missing: Vec<_> = survey.missing.iter().map(|run| (&*run.variant, run.run)).collect();
    assert_eq!(missing, [("mlp", 0), ("mlp", 2), ("mlp-ws", 1)]);
    assert_eq!(survey.plan().unwrap().recipes, plan(1).recipes);
    let (survey, copied) = merge(&[&a], &target);
    assert_eq!((survey.missing.len(), survey.there(), copied), (0, 6, 3));
}

#[test]
fn doubles_are_the_same_but_for_their_time_or_named_both() {
    let (_parent, [a, b, target]) = two();
    folder(&b, &[("mlp", 0)], 9.0);
    let (survey, _) = merge(&[&a, &b], &target);
    assert_eq!(survey.double, 1);
    // What is to be tried again says nothing yet.
    let panicked = failed(record(&plan(1), "mlp", 2, 1.0), FailureKind::Panic);
    write_record(&b, &panicked).unwrap();
    let dirs = [a.clone(), b.clone()];
    assert_eq!(pairnet_training::survey(&dirs, &target.with_file_name("new")).unwrap().double, 1);
    fs::remove_file(record_path(&b, "paper", "mlp", 2)).unwrap();
    let run = |dir: &Path| record_path(dir, "paper", "mlp", 0);
    assert_eq!(fs::read(run(&target)).unwrap(), fs::read(run(&a)).unwrap());

    let other = Record { test_accuracy: Some(51.0), ..read_record(&run(&a)).unwrap() };
    write_record(&b, &other).unwrap();
    let told = refusal(&[&a, &b], &target.with_file_name("new"));
    for file in [run(&a), run(&b)] {
        assert!(told.contains(&file.display().to_string()), "{told}");
    }
    // The target is no exception.
    let told = refusal(&[&b], &target);
    assert!(told.contains(&run(&target).display().to_string()), "{told}");

    write_record(&b, &read_record(&run(&a)).unwrap()).unwrap();
    let mut said = predictions(&other);
    said.probabilities = vec![0.25, 0.75];
    let path = write_predictions(&b, &said).unwrap();
    let told = refusal(&[&a, &b], &target.with_file_name("new"));
    assert!(told.contains(&path.display().to_string()), "{told}");
}

/// Predictions that one folder has lost are taken from the other.
#[test]
fn doubles_make_each_other_whole() {
    let (_parent, [a, b, target]) = two();
    folder(&b, &[("mlp", 0)], 9.0);
    fs::remove_file(predictions_path(&a, "paper", "mlp", 0)).unwrap();
    let (survey, _) = merge(&[&a, &b], &target);
    assert_eq!(survey.without_predictions, 0);
    assert!(predictions_path(&target, "paper", "mlp", 0).exists());
    assert_eq!(read_record(&record_path(&target, "paper", "mlp", 0)).unwrap().timing.seconds, 1.0);
}

#[test]
fn runs_whose_predictions_are_nowhere_are_counted() {
    let (_parent, [a, b, target]) = two();
    folder(&b, &[("mlp", 0)], 9.0);
    for dir in [&a, &b] {
        fs::remove_file(predictions_path(dir, "paper", "mlp", 0)).unwrap();
    }
    let diverged = failed(record(&plan(1), "mlp", 1, 2.0), FailureKind::NotFinite);
    write_record(&b, &diverged).unwrap();
    fs::remove_file(predictions_path(&b, "paper", "mlp", 1)).unwrap();
    let (survey, _) = merge(&[&a, &b], &target);
    assert_eq!((survey.without_predictions, survey.missing.len()), (1, 0));
    assert!(!predictions_path(&target, "paper", "mlp", 0).exists());
}

#[test]
fn a_failure_makes_way_where_another_try_has_helped() {
    let (_parent, [a, b, target]) = two();
    let plan = plan(1);
    let panicked = failed(record(&plan, "mlp", 0, 1.0), FailureKind::Panic);
    write_record(&b, &panicked).unwrap();
    let (survey, _) = merge(&[&b], &target);
    let again = survey.missing.iter().find(|run| run.variant == "mlp" && run.run == 0).unwrap();
    assert!(again.failed && survey.failed.is_empty());
    assert_eq!(read_record(&record_path(&target, "paper", "mlp", 0)).unwrap(), panicked);
    let (survey, _) = merge(&[&b, &a], &target);
    assert!(survey.missing.is_empty());
    let mended = read_record(&record_path(&target, "paper", "mlp", 0)).unwrap();
    assert_eq!(mended, record(&plan, "mlp", 0, 1.0));
    // One that would fail again is a result, and does not agree with another.
    let diverged = failed(record(&plan, "mlp", 1, 2.0), FailureKind::NotFinite);
    write_record(&b, &diverged).unwrap();
    assert!(refusal(&[&b], &target).contains("say different things"));
    let (survey, _) = merge(&[&a, &b], &target.with_file_name("new"));
    assert_eq!(survey.failed, [diverged]);
}

#[test]
fn what_is_foreign_or_broken_is_refused_and_nothing_is_written() {
    let (parent, [a, b, target]) = two();
    let dirs = [&a, &b];
    let refused = |told: &str| {
        let refusal = refusal(&dirs, &target);
        assert!(refusal.contains(told), "{told}: {refusal}");
        assert!(!target.exists());
    };
    let path = record_path(&b, "paper", "mlp", 1);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&format!("{} is not a whole record", path.display()));
    let changed = String::from_utf8(whole.clone()).unwrap().replace("75.0", "76.0");
    fs::write(&path, changed).unwrap();
    refused(&format!("{} was changed since it was written", path.display()));
    write_record(&b, &record(&plan(2), "mlp", 1, 1.0)).unwrap();
    refused(&format!("{} is a record of another sweep: it has seed 2", path.display()));
    fs::write(&path, whole).unwrap();

    let path = predictions_path(&b, "paper", "mlp", 1);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&format!("{} is not a whole set of predictions", path.display()));
    fs::write(&path, whole).unwrap();

    let network = b.join("networks/paper/mlp/1.safetensors");
    fs::create_dir_all(network.parent().unwrap()).unwrap();
    fs::write(&network, "no network").unwrap();
    refused("1.safetensors");
    fs::remove_file(&network).unwrap();

    let long = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = long.metadata().unwrap().len();
    long.set_len(1 << 40).unwrap();
    refused(&format!("{} has 1099511627776 bytes", path.display()));
    long.set_len(length).unwrap();

    let stray = b.join("records/paper/mlp/note.txt");
    fs::write(&stray, "a note").unwrap();
    refused(&format!("{} is in the way", stray.display()));
    fs::remove_file(stray).unwrap();

    let none = parent.path().join("none");
    fs::create_dir(&none).unwrap();
    assert!(refusal(&[&a, &none], &target).contains("none holds no sweep"));
    assert!(refusal(&[&parent.path().join("gone")], &target).contains("failed to read"));
}

#[test]
fn settings_data_and_versions_have_to_agree() {
    let (_parent, [a, b, target]) = two();
    let mut sweep = asked(&plan(1), "b");
    for (change, told) in [
        ((|sweep| sweep.settings.seed = 2) as fn(&mut Sweep), "  seed: 1 there, 2 here"),
        (|sweep| sweep.settings.recipes[0].fields["epochs"] = 7.into(), "recipes.paper.epochs: 25"),
        (|sweep| sweep.settings.data.clear(), "absent here"),
        (|sweep| sweep.settings.device = "cuda".to_owned(), "device: cpu there, cuda here"),
        (|sweep| sweep.provenance.version = "1".to_owned(), "version of the program: 0 there, 1"),
    ] {
        let before = sweep.clone();
        change(&mut sweep);
        write_sweep(&b, &sweep).unwrap();
        let refusal = refusal(&[&a, &b], &target);
        assert!(refusal.contains(told), "{told}: {refusal}");
        assert!(refusal.contains(&format!("{} and {}", a.display(), b.display())), "{refusal}");
        sweep = before;
    }
    write_sweep(&b, &sweep).unwrap();
    merge(&[&a, &b], &target);
    let machine = |dir: &Path| read_sweep(dir).unwrap().unwrap().provenance.machine;
    assert_eq!(machine(&target), "a machine | b");
    merge(&[&b, &target, &a], &target);
    assert_eq!(machine(&target), "a machine | b");
}

#[test]
fn studies_go_along_and_have_to_be_one() {
    let (_parent, [a, b, target]) = two();
    let study = Study {
        format: STUDY_FORMAT,
        title: "Few".to_owned(),
        question: "Enough?".to_owned(),
        base: "paper".to_owned(),
        base_network: None,
        contrasts: Vec::new(),
        axes: Vec::new(),
        references: Vec::new(),
    };
    write_study(&b, &study).unwrap();
    merge(&[&a, &b], &target);
    assert_eq!(read_study(&target).unwrap(), Some(study.clone()));
    write_study(&a, &Study { title: "Fewer".to_owned(), ..study }).unwrap();
    let told = refusal(&[&a, &b], &target.with_file_name("new"));
    for dir in [&a, &b] {
        assert!(told.contains(&study_path(dir).display().to_string()), "{told}");
    }
}

#[test]
fn a_study_and_a_sweep_that_is_none_are_not_joined() {
    let (parent, [a, b, target]) = two();
    let study = Study {
        format: STUDY_FORMAT,
        title: "Few".to_owned(),
        question: "Enough?".to_owned(),
        base: "cell".to_owned(),
        base_network: None,
        contrasts: Vec::new(),
        axes: Vec::new(),
        references: Vec::new(),
    };
    // A study of one cell, whose run is there.
    let plan = Plan {
        recipes: vec![Recipe { name: "cell".into(), ..plan(1).recipes.remove(0) }],
        ..plan(1)
    };
    let cell = parent.path().join("cell");
    write_sweep(&cell, &asked(&plan, "a machine")).unwrap();
    write_record(&cell, &record(&plan, "mlp", 0, 1.0)).unwrap();
    write_study(&cell, &study).unwrap();
    for dirs in [[&a, &cell], [&cell, &a]] {
        let told = refusal(&dirs, &target);
        let expected =
            format!("{} holds a study, {} a sweep that is none", cell.display(), a.display());
        assert!(told.starts_with(&expected), "{told}");
    }
    // Nor is a target that has something an exception; of one that has nothing nothing is kept.
    assert!(refusal(&[&cell], &a).contains("a sweep that is none"));
    write_study(&target, &study).unwrap();
    merge(&[&a, &b], &target);
    assert_eq!(read_study(&target).unwrap(), None);
}

#[test]
fn files_of_no_record_are_named_and_stay() {
    let (_parent, [a, b, target]) = two();
    let predictions = predictions_path(&b, "paper", "mlp", 0);
    fs::copy(predictions_path(&a, "paper", "mlp", 0), &predictions).unwrap();
    fs::write(b.join("notes.txt"), "a note").unwrap();
    fs::write(b.join(".hidden"), "").unwrap();
    fs::write(b.join("results.md"), "of this share").unwrap();
    let (survey, _) = merge(&[&a, &b], &target);
    assert_eq!(survey.unknown, [b.join("notes.txt"), predictions]);
    assert!(!target.join("notes.txt").exists() && !target.join("results.md").exists());
}

#[test]
fn a_merge_that_is_stopped_is_gone_on_with() {
    let (_parent, [a, b, target]) = two();
    let dirs = [a.clone(), b.clone()];
    let owner = Owner::take(&target, "a test").unwrap();
    let looked_at = survey(&dirs, &target).unwrap();
    let stopped = looked_at.write(&owner, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(stopped.to_string(), "interrupted");
    assert_eq!(read_records(&target).unwrap(), []);
    drop(owner);
    // And wherever it is killed.
    fs::create_dir_all(target.join("records/paper/mlp")).unwrap();
    fs::copy(record_path(&a, "paper", "mlp", 0), record_path(&target, "paper", "mlp", 0)).unwrap();
    let (_, copied) = merge(&[&a, &b], &target);
    assert_eq!(copied, 6);
    assert!(predictions_path(&target, "paper", "mlp", 0).exists());
}
