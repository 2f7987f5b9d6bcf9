//! What a folder can be asked for, and what is refused before anything is trained.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, variant};
use pairnet_network::Step;
use pairnet_record::{
    Owner, Provenance, Record, Sweep, predictions_path, read_predictions, read_records, read_sweep,
    record_path, sweep_path, write_record,
};
use pairnet_training::{
    Plan, Recipe, Setup, TrainingError, Workers, claim_folder, network_path, run, status, sweep,
};

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

fn plan(recipes: &[&str], variants: &[&str], runs: usize) -> Plan {
    let small = |name: &&str| {
        let recipe = Recipe::named(name).unwrap();
        Recipe { pairs: 60, epochs: 1, batch_size: 40, ..recipe }
    };
    let variants = variants.iter().map(|name| variant(name).unwrap().clone()).collect();
    Plan { recipes: recipes.iter().map(small).collect(), variants, runs, seed: 5 }
}

fn setup() -> Setup {
    Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None }
}

fn asked(plan: &Plan) -> Sweep {
    let machine = "test".to_owned();
    let provenance =
        Provenance { version: "0".to_owned(), git_revision: None, git_dirty: None, machine };
    plan.asked(&setup(), mnist(), provenance).unwrap()
}

/// Trains what `dir` lacks of `plan`, and says how much of it was there.
fn train(dir: &Path, plan: &Plan) -> Result<usize, TrainingError> {
    let owner = Owner::take(dir, "a test")?;
    let status = status(dir, plan, &asked(plan), &setup())?;
    claim_folder(&owner, &status.sweep)?;
    let (jobs, workers) = ((&*status.missing, plan.seed), Workers { count: 2, threads: 2 });
    sweep(&owner, jobs, mnist(), &setup(), workers, &AtomicBool::new(false), &|_| {})?;
    Ok(status.kept)
}

/// A network that is damaged, another run's or gone is trained again, and nothing else is.
#[test]
fn a_run_whose_network_is_not_whole_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(&["paper"], &["mlp"], 4);
    let keeping = Setup { keep: Some(asked(&plan).provenance), ..setup() };
    let missing = || -> Vec<usize> {
        let status = status(dir.path(), &plan, &asked(&plan), &keeping).unwrap();
        status.missing.iter().map(|job| job.run).collect()
    };
    let train_missing = || {
        let owner = Owner::take(dir.path(), "a test").unwrap();
        let status = status(dir.path(), &plan, &asked(&plan), &keeping).unwrap();
        claim_folder(&owner, &status.sweep).unwrap();
        let (jobs, workers) = ((&*status.missing, plan.seed), Workers { count: 2, threads: 2 });
        sweep(&owner, jobs, mnist(), &keeping, workers, &AtomicBool::new(false), &|_| {}).unwrap();
    };
    train_missing();
    assert!(missing().is_empty());
    let path = |run| network_path(dir.path(), "paper", "mlp", run);
    let whole: Vec<_> = (0..4).map(|run| fs::read(path(run)).unwrap()).collect();
    let mut damaged = whole[0].clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(path(0), damaged).unwrap();
    fs::write(path(1), &whole[2]).unwrap();
    fs::remove_file(path(3)).unwrap();
    assert_eq!(missing(), [0, 1, 3]);
    train_missing();
    for (run, whole) in whole.iter().enumerate() {
        assert!(fs::read(path(run)).unwrap() == *whole, "network of run {run}");
    }
    // What another version wrote, or what is no file, is nobody's to write over.
    let refused = || status(dir.path(), &plan, &asked(&plan), &keeping).unwrap_err().to_string();
    const FORMAT: &[u8] = br#"{\"format\":2"#;
    let place = whole[0].windows(FORMAT.len()).position(|bytes| bytes == FORMAT).unwrap();
    let mut other = whole[0].clone();
    other[place + FORMAT.len() - 1] = b'7';
    fs::write(path(0), other).unwrap();
    assert!(refused().contains("checkpoint format 7 cannot be read"), "{}", refused());
    fs::remove_file(path(0)).unwrap();
    fs::create_dir(path(0)).unwrap();
    assert!(refused().contains("failed to read"), "{}", refused());
}

/// As where a folder was removed while a run was written: the record came after its predictions were gone.
#[test]
fn a_run_without_predictions_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(&["paper"], &["mlp"], 3);
    assert_eq!(train(dir.path(), &plan).unwrap(), 0);
    let records = untimed(dir.path());
    let path = predictions_path(dir.path(), "paper", "mlp", 1);
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(train(dir.path(), &plan).unwrap(), 2);
    assert_eq!((fs::read(&path).unwrap(), untimed(dir.path())), (whole, records));
    assert_eq!(train(dir.path(), &plan).unwrap(), 3);
}

fn refusal(dir: &Path, plan: &Plan) -> String {
    status(dir, plan, &asked(plan), &setup()).unwrap_err().to_string()
}

fn untimed(dir: &Path) -> Vec<Record> {
    read_records(dir).unwrap().iter().map(Record::without_timing).collect()
}

fn settings(dir: &Path) -> (Vec<String>, Vec<String>, usize) {
    let settings = read_sweep(dir).unwrap().unwrap().settings;
    let recipes = settings.recipes.into_iter().map(|recipe| recipe.name).collect();
    (recipes, settings.variants, settings.runs)
}

#[test]
fn the_sweep_tells_its_networks() {
    let plan = plan(&["paper"], &["mlp-al", "lenet5-ws", "lenet5-ws-al"], 1);
    let networks = asked(&plan).networks;
    let counts: Vec<_> = networks.iter().map(|n| (n.name.as_str(), n.parameters())).collect();
    assert_eq!(counts, [("mlp-al", 137_141), ("lenet5-ws", 41_113), ("lenet5-ws-al", 52_631)]);
    let branch = networks[2].branch.as_ref().unwrap();
    assert_eq!(branch.layers[0].steps, [Step::Relu, Step::MaxPool]);
    assert_eq!(networks[2].comparator[1].steps, [Step::Relu, Step::Dropout(0.7)]);
}

/// What a run says that it follows from is what its sweep says; so it is after both were written
/// and read.
#[test]
fn run_and_sweep_agree_on_what_a_record_follows_from() {
    let plan = plan(&["paper", "authors"], &["mlp-al", "lenet5"], 1);
    let dir = tempfile::tempdir().unwrap();
    train(dir.path(), &plan).unwrap();
    let there = read_sweep(dir.path()).unwrap().unwrap();
    assert_eq!(there, asked(&plan));
    let records = read_records(dir.path()).unwrap();
    there.check_records(dir.path(), &records).unwrap();
    for Record { recipe, variant, run, follows_from, .. } in &records {
        assert_eq!(there.follows_from(recipe, variant).as_ref(), Some(follows_from));
        let predictions = read_predictions(dir.path(), recipe, variant, *run).unwrap();
        there.check_predictions(dir.path(), &predictions).unwrap();
    }
    let mut origins: Vec<_> = records.iter().map(|record| &record.follows_from).collect();
    origins.sort();
    origins.dedup();
    assert_eq!(origins.len(), 4);
}

/// However a folder came to its records, they and its sweep are the same.
#[test]
fn runs_recipes_and_variants_are_added() {
    let (grown, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let steps = [
        (plan(&["authors"], &["mlp-al"], 1), 0),
        (plan(&["authors"], &["mlp-al"], 2), 1),
        (plan(&["authors", "paper"], &["mlp-al"], 2), 2),
        (plan(&["paper"], &["mlp", "mlp-al"], 2), 2),
        (plan(&["paper", "authors"], &["mlp-al", "mlp"], 2), 6),
        // A part of what is there.
        (plan(&["authors"], &["mlp"], 1), 1),
    ];
    for (plan, kept) in &steps {
        let before = untimed(grown.path());
        assert_eq!(train(grown.path(), plan).unwrap(), *kept);
        let after = untimed(grown.path());
        assert!(before.iter().all(|record| after.contains(record)));
    }
    train(whole.path(), &plan(&["paper", "authors"], &["mlp", "mlp-al"], 2)).unwrap();
    assert_eq!(untimed(grown.path()), untimed(whole.path()));
    let bytes = |dir: &Path| fs::read_to_string(sweep_path(dir)).unwrap();
    assert_eq!(bytes(grown.path()), bytes(whole.path()));
    assert_eq!(settings(grown.path()).2, 2);
}

#[test]
fn what_would_change_a_record_is_refused_with_the_difference() {
    let dir = tempfile::tempdir().unwrap();
    let first = plan(&["paper", "authors"], &["mlp"], 1);
    train(dir.path(), &first).unwrap();
    let before = (untimed(dir.path()), settings(dir.path()));
    let mut other = first.clone();
    other.seed = 6;
    let message = refusal(dir.path(), &other);
    assert!(message.contains("holds a sweep with other settings:\n  seed: 5 there, 6 asked"));
    let mut other = plan(&["authors"], &["mlp", "lenet5"], 3);
    other.recipes[0].epochs = 3;
    let message = refusal(dir.path(), &other);
    assert!(message.ends_with("  recipes.authors.epochs: 1 there, 3 asked"), "{message}");
    assert!(matches!(train(dir.path(), &other), Err(TrainingError::OtherSettings { .. })));
    assert_eq!((untimed(dir.path()), settings(dir.path())), before);
}

#[test]
fn a_folder_without_records_is_claimed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Owner::take(dir.path(), "a test").unwrap();
    let first = plan(&["paper"], &["lenet5"], 10);
    claim_folder(&owner, &status(dir.path(), &first, &asked(&first), &setup()).unwrap().sweep)
        .unwrap();
    drop(owner);
    let mut second = plan(&["authors"], &["mlp"], 1);
    second.seed = 6;
    assert_eq!(train(dir.path(), &second).unwrap(), 0);
    assert_eq!(read_sweep(dir.path()).unwrap(), Some(asked(&second)));
}

/// A lost `sweep.json` is made again from the plan; its records are those of the same settings, and
/// tell how many runs there are.
#[test]
fn records_without_a_sweep_are_known_by_what_they_follow_from() {
    let dir = tempfile::tempdir().unwrap();
    train(dir.path(), &plan(&["paper"], &["mlp"], 3)).unwrap();
    fs::remove_file(sweep_path(dir.path())).unwrap();
    let mut other = plan(&["paper"], &["mlp"], 1);
    other.seed = 6;
    let message = refusal(dir.path(), &other);
    assert!(message.contains("0.json is a record of another sweep: it has seed 5"), "{message}");
    other.seed = 5;
    assert_eq!(train(dir.path(), &other).unwrap(), 1);
    assert_eq!(settings(dir.path()).2, 3);
}

#[test]
fn strays_and_broken_and_foreign_records_are_refused_before_training() {
    let dir = tempfile::tempdir().unwrap();
    let asking = plan(&["paper"], &["mlp"], 2);
    train(dir.path(), &asking).unwrap();
    let path = record_path(dir.path(), "paper", "mlp", 0);
    let whole = fs::read_to_string(&path).unwrap();

    let stray = path.with_file_name("notes.txt");
    fs::write(&stray, "for myself").unwrap();
    assert!(refusal(dir.path(), &asking).contains("notes.txt is in the way"));
    fs::remove_file(stray).unwrap();

    for (text, told) in [
        (&whole[..whole.len() / 2], "is not a whole record"),
        (&whole.replacen("\"test_accuracy\": ", "\"test_accuracy\": 1", 1), "was changed since"),
        (&whole.replacen("\"format\": 2", "\"format\": 1", 1), "has record format 1"),
    ] {
        fs::write(&path, text).unwrap();
        let message = refusal(dir.path(), &asking);
        assert!(message.starts_with(&path.display().to_string()), "{message}");
        assert!(message.contains(told), "{told}: {message}");
    }

    // As whole as any, of the same seed, and trained on other pairs.
    let other = Recipe { pairs: 50, ..asking.recipes[0].clone() };
    let (data, stop) = (mnist(), AtomicBool::new(false));
    let foreign = run(&other, &asking.variants[0], (0, 5), data, &setup(), &stop).unwrap().record;
    write_record(dir.path(), &foreign).unwrap();
    let message = refusal(dir.path(), &asking);
    assert!(message.contains("0.json is a record of another sweep: its recipe,"), "{message}");
    // Also where it is none of those that are asked for.
    let message = refusal(dir.path(), &plan(&["authors"], &["lenet5"], 1));
    assert!(message.contains("0.json is a record of another sweep"), "{message}");
}

/// No list of so many is made.
#[test]
fn absurd_runs_are_refused() {
    for runs in [0, 100_001, usize::MAX] {
        let plan = plan(&["paper", "authors"], &["mlp"], runs);
        let first = plan.jobs().next().map(|job| job.run);
        assert_eq!(first, (runs > 0).then_some(0));
        let provenance = asked(&self::plan(&["paper"], &["mlp"], 1)).provenance;
        let error = plan.asked(&setup(), mnist(), provenance).unwrap_err().to_string();
        let expected = format!("{runs} runs of each network cannot be planned: from 1 to 100000");
        assert!(error.starts_with(&expected), "{error}");
    }
}
