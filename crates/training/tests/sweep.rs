//! Sweeps end to end, on small recipes: same bytes however they are cut, whole records, failures.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pairnet_data::Mnist;
use pairnet_models::{Kernels, Variant};
use pairnet_record::{
    Provenance, Record, predictions_path, read_predictions, read_records, read_sweep, record_path,
    write_record,
};
use pairnet_training::{
    Finished, Plan, Recipe, Setup, TrainingError, Workers, claim_folder, missing, run, sweep,
};
use support::device;

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

/// Short enough for a test, with a last batch that is not full.
fn small(recipe: Recipe) -> Recipe {
    Recipe { pairs: 110, epochs: 2, batch_size: 40, ..recipe }
}

fn plan(seed: u64) -> Plan {
    let variants = ["mlp-al", "lenet5-ws", "lenet5-ws-al"];
    Plan {
        recipes: Recipe::all().map(small).to_vec(),
        variants: variants.map(|name| Variant::named(name).unwrap()).to_vec(),
        runs: 2,
        seed,
    }
}

fn setup() -> Setup {
    Setup { device: device().clone(), kernels: Kernels::Fused, test_every_epoch: false }
}

fn provenance() -> Provenance {
    Provenance { version: "0".into(), git_revision: None, git_dirty: None, machine: "test".into() }
}

/// Trains what `dir` lacks of `plan`.
fn train(dir: &Path, plan: &Plan, count: usize, threads: usize) -> Result<usize, TrainingError> {
    let (jobs, kept) = missing(dir, plan)?;
    let workers = Workers { count, threads };
    let stop = AtomicBool::new(false);
    sweep(dir, (&jobs, plan.seed), mnist(), &setup(), workers, &stop, &|_| {})?;
    Ok(kept)
}

fn untimed(dir: &Path) -> Vec<Record> {
    read_records(dir).unwrap().iter().map(Record::without_timing).collect()
}

/// The bytes of the predictions of every record.
fn predictions(dir: &Path) -> Vec<Vec<u8>> {
    let path = |record: &Record| predictions_path(dir, &record.recipe, &record.variant, record.run);
    read_records(dir).unwrap().iter().map(|record| fs::read(path(record)).unwrap()).collect()
}

#[test]
fn records_do_not_depend_on_workers_threads_or_order() {
    let folders: Vec<_> = [(1, 1), (1, 2), (2, 2), (3, 3)]
        .into_iter()
        .map(|(count, threads)| {
            let folder = tempfile::tempdir().unwrap();
            train(folder.path(), &plan(5), count, threads).unwrap();
            folder
        })
        .collect();
    let first = untimed(folders[0].path());
    assert_eq!(first.len(), 12);
    for folder in &folders[1..] {
        assert_eq!(untimed(folder.path()), first);
        assert_eq!(predictions(folder.path()), predictions(folders[0].path()));
    }
    let job = |record: &&Record| {
        (record.recipe.as_str(), record.variant.as_str(), record.run) == ("paper", "lenet5-ws", 1)
    };
    let in_sweep = first.iter().find(job).unwrap();
    let variant = Variant::named("lenet5-ws").unwrap();
    let stop = AtomicBool::new(false);
    let alone = run(&small(Recipe::paper()), variant, (1, 5), mnist(), &setup(), &stop).unwrap();
    assert_eq!(alone.record.without_timing(), *in_sweep);
    assert_eq!(
        alone.predictions,
        read_predictions(folders[0].path(), "paper", "lenet5-ws", 1).ok()
    );
}

#[test]
fn another_seed_gives_other_results() {
    let variant = Variant::named("mlp").unwrap();
    let losses = |seed| {
        let stop = AtomicBool::new(false);
        let finished = run(&small(Recipe::paper()), variant, (0, seed), mnist(), &setup(), &stop);
        finished.unwrap().record.epochs[1].total_loss
    };
    assert_ne!(losses(0), losses(1));
}

#[test]
fn what_is_there_is_kept_and_only_the_rest_is_trained() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train(whole.path(), &plan(5), 2, 2).unwrap();
    train(cut.path(), &plan(5), 2, 2).unwrap();
    fs::remove_file(record_path(cut.path(), "paper", "mlp-al", 1)).unwrap();
    fs::remove_dir_all(cut.path().join("records/authors")).unwrap();
    let kept = record_path(cut.path(), "paper", "mlp-al", 0);
    let before = fs::read(&kept).unwrap();
    assert_eq!(train(cut.path(), &plan(5), 2, 2).unwrap(), 5);
    assert_eq!(fs::read(&kept).unwrap(), before);
    assert_eq!(untimed(cut.path()), untimed(whole.path()));
    assert_eq!(train(cut.path(), &plan(5), 2, 2).unwrap(), 12);
}

#[test]
fn an_interrupted_sweep_leaves_whole_records_and_goes_on() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train(whole.path(), &plan(5), 2, 2).unwrap();
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let after_three = |_: &Record| {
        if done.fetch_add(1, Ordering::Relaxed) == 2 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let plan = plan(5);
    let (jobs, _) = missing(cut.path(), &plan).unwrap();
    let workers = Workers { count: 2, threads: 2 };
    let result =
        sweep(cut.path(), (&jobs, plan.seed), mnist(), &setup(), workers, &stop, &after_three);
    assert!(matches!(result, Err(TrainingError::Interrupted)), "{result:?}");
    let left = untimed(cut.path()).len();
    assert!((3..12).contains(&left), "{left} records");
    train(cut.path(), &plan, 2, 2).unwrap();
    assert_eq!(untimed(cut.path()), untimed(whole.path()));
}

#[test]
fn a_loss_that_is_not_finite_is_a_recorded_failure() {
    let recipe = Recipe { learning_rate: f64::INFINITY, ..small(Recipe::paper()) };
    let variant = Variant::named("mlp").unwrap();
    let finished = run(&recipe, variant, (0, 0), mnist(), &setup(), &AtomicBool::new(false));
    let Finished { record, predictions } = finished.unwrap();
    assert_eq!(predictions, None);
    let failure = record.failure.clone().unwrap();
    assert_eq!((failure.epoch, failure.batch), (0, 1));
    assert_eq!(failure.reason, "main loss is NaN");
    assert_eq!((record.train_accuracy, record.test_accuracy), (None, None));
    assert!(record.epochs.is_empty());
    let folder = tempfile::tempdir().unwrap();
    write_record(folder.path(), &record).unwrap();
    assert_eq!(read_records(folder.path()).unwrap(), [record]);
}

#[test]
fn looking_at_the_test_accuracy_does_not_change_the_training() {
    for recipe in Recipe::all().map(small) {
        let variant = Variant::named("mlp-al").unwrap();
        let train = |test_every_epoch| {
            let setup = Setup { test_every_epoch, ..setup() };
            let stop = AtomicBool::new(false);
            run(&recipe, variant, (0, 0), mnist(), &setup, &stop).unwrap().record
        };
        let (mut looked, plain) = (train(true), train(false));
        for epoch in &mut looked.epochs {
            assert!(epoch.test_accuracy.take().is_some());
        }
        assert_eq!(looked.without_timing(), plain.without_timing());
    }
}

#[test]
fn other_settings_are_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let claim = |plan: &Plan| {
        let settings = plan.settings("cpu", false, mnist()).unwrap();
        claim_folder(folder.path(), settings, provenance())
    };
    claim(&plan(5)).unwrap();
    claim(&plan(5)).unwrap();
    let error = claim(&plan(6)).unwrap_err().to_string();
    assert!(error.contains("seed") && error.contains('5') && error.contains('6'), "{error}");
    let mut longer = plan(5);
    longer.recipes[1].epochs = 3;
    let error = claim(&longer).unwrap_err().to_string();
    assert!(error.contains("epochs") && error.contains('2') && error.contains('3'), "{error}");
}

#[test]
fn predictions_say_what_the_record_counted() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), &plan(5), 2, 2).unwrap();
    for record in read_records(folder.path()).unwrap() {
        let Record { recipe, variant, run, .. } = &record;
        let predictions = read_predictions(folder.path(), recipe, variant, *run).unwrap();
        let wrong: Vec<usize> = predictions.wrong().collect();
        assert_eq!(Some(100.0 * (110 - wrong.len()) as f64 / 110.0), record.test_accuracy);
        assert_eq!(predictions.classes.len(), 110);
        let shown: Vec<usize> = predictions.mistakes.iter().map(|mistake| mistake.pair).collect();
        let expected = if variant == "lenet5-ws" { &[][..] } else { &wrong[..] };
        assert_eq!(shown, expected, "{recipe} {variant}");
        for mistake in &predictions.mistakes {
            assert!(mistake.images.iter().all(|image| image.0.iter().any(|&pixel| pixel > 99)));
            let sums = mistake.posteriors.map(|posterior| posterior.iter().sum::<f64>());
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 0.006), "{sums:?}");
        }
    }
}

#[test]
fn the_sweep_tells_its_networks() {
    let folder = tempfile::tempdir().unwrap();
    let settings = plan(5).settings("cpu", false, mnist()).unwrap();
    claim_folder(folder.path(), settings, provenance()).unwrap();
    let networks = read_sweep(folder.path()).unwrap().unwrap().networks;
    let counts: Vec<_> = networks.iter().map(|n| (n.name.as_str(), n.parameters)).collect();
    assert_eq!(counts, [("mlp-al", 137_141), ("lenet5-ws", 41_113), ("lenet5-ws-al", 52_631)]);
    let branch = networks[2].branch.as_ref().unwrap();
    assert_eq!(branch.layers[0].steps, ["relu", "max-pool"]);
    assert_eq!(networks[2].comparator[1].steps, ["relu", "dropout 0.7"]);
}

#[test]
fn a_record_of_another_seed_or_a_broken_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), &Plan { runs: 1, ..plan(5) }, 2, 2).unwrap();
    let error = missing(folder.path(), &plan(6)).unwrap_err().to_string();
    assert!(error.contains("seed 5") && error.contains("seed 6"), "{error}");
    let path = record_path(folder.path(), "paper", "mlp-al", 0);
    fs::write(&path, "{\"format\": 1").unwrap();
    let error = missing(folder.path(), &plan(5)).unwrap_err().to_string();
    assert!(error.contains("mlp-al"), "{error}");
}

/// The recipes differ in what facts tell, and in nothing else.
#[test]
fn recipes_differ_where_text_and_code_differ() {
    let fields = |recipe: &Recipe| -> BTreeMap<String, String> {
        let value = serde_json::to_value(recipe).unwrap();
        let object = value.as_object().unwrap().clone();
        object.into_iter().map(|(name, value)| (name, value.to_string())).collect()
    };
    let [paper, authors] = Recipe::all();
    let (paper, authors) = (fields(&paper), fields(&authors));
    let differing: Vec<&str> =
        paper.keys().filter(|name| paper[*name] != authors[*name]).map(String::as_str).collect();
    assert_eq!(
        differing,
        [
            "adam_state",
            "auxiliary_loss",
            "auxiliary_weight",
            "evaluation",
            "main_loss",
            "name",
            "pair_draw",
            "train_accuracy"
        ]
    );
}
