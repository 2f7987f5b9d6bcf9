//! Sweeps end to end, on small recipes: same bytes however they are cut, whole records, failures.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pairnet_data::Mnist;
use pairnet_models::{Architecture, Kernels, variant};
use pairnet_record::{
    Failure, FailureKind, Owner, Provenance, Record, RecordError, Sweep, predictions_path,
    read_predictions, read_records, record_path, write_record,
};
use pairnet_training::{
    Finished, Plan, Recipe, Setup, TrainingError, Workers, claim_folder, run, status, sweep,
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
        variants: variants.map(|name| variant(name).unwrap().clone()).to_vec(),
        runs: 2,
        seed,
    }
}

fn setup() -> Setup {
    Setup { device: device().clone(), kernels: Kernels::Fused, test_every_epoch: false, keep: None }
}

fn provenance() -> Provenance {
    Provenance { version: "0".into(), git_revision: None, git_dirty: None, machine: "test".into() }
}

/// What `plan` asks for, also where its recipes could not be trained: those of some tests cannot.
fn asked(plan: &Plan) -> Sweep {
    let able = |recipe: &Recipe| Recipe { batch_size: recipe.pairs, ..recipe.clone() };
    let able = Plan { recipes: plan.recipes.iter().map(able).collect(), ..plan.clone() };
    let mut sweep = able.asked(&setup(), mnist(), provenance()).unwrap();
    for (there, recipe) in sweep.settings.recipes.iter_mut().zip(&plan.recipes) {
        there.fields = serde_json::to_value(recipe).unwrap();
    }
    sweep
}

/// What a folder had before it was trained, and the runs that failed then.
struct Trained {
    kept: usize,
    failed: Vec<Record>,
}

/// Claims `dir` and trains what it lacks of `plan`.
fn train(dir: &Path, plan: &Plan, count: usize, threads: usize) -> Result<Trained, TrainingError> {
    train_until(dir, plan, (count, threads), &AtomicBool::new(false), &|_| {})
}

fn train_until(
    dir: &Path,
    plan: &Plan,
    (count, threads): (usize, usize),
    stop: &AtomicBool,
    finished: &(dyn Fn(&Record) + Sync),
) -> Result<Trained, TrainingError> {
    let owner = Owner::take(dir, "a test").unwrap();
    let status = status(dir, plan, &asked(plan), &setup())?;
    claim_folder(&owner, &status.sweep)?;
    let (jobs, workers) = ((&*status.missing, plan.seed), Workers { count, threads });
    let failed = sweep(&owner, jobs, mnist(), &setup(), workers, stop, finished)?;
    Ok(Trained { kept: status.kept, failed })
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
    let variant = variant("lenet5-ws").unwrap();
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
    let variant = variant("mlp").unwrap();
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
    assert_eq!(train(cut.path(), &plan(5), 2, 2).unwrap().kept, 5);
    assert_eq!(fs::read(&kept).unwrap(), before);
    assert_eq!(untimed(cut.path()), untimed(whole.path()));
    assert_eq!(train(cut.path(), &plan(5), 2, 2).unwrap().kept, 12);
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
    let result = train_until(cut.path(), &plan, (2, 2), &stop, &after_three);
    assert!(matches!(result, Err(TrainingError::Interrupted)));
    let left = untimed(cut.path()).len();
    assert!((3..12).contains(&left), "{left} records");
    train(cut.path(), &plan, 2, 2).unwrap();
    assert_eq!(untimed(cut.path()), untimed(whole.path()));
}

#[test]
fn a_loss_that_is_not_finite_is_a_recorded_failure() {
    let recipe = Recipe { learning_rate: 1e38, ..small(Recipe::paper()) };
    let variant = variant("mlp").unwrap();
    let finished = run(&recipe, variant, (0, 0), mnist(), &setup(), &AtomicBool::new(false));
    let Finished { record, predictions } = finished.unwrap();
    assert_eq!(predictions, None);
    let failure = record.failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::NotFinite);
    assert_eq!((failure.epoch, failure.batch), (Some(0), Some(1)));
    assert_eq!(failure.reason, "main loss is NaN");
    assert_eq!((record.train_accuracy, record.test_accuracy), (None, None));
    assert!(record.epochs.is_empty());
    let folder = tempfile::tempdir().unwrap();
    write_record(folder.path(), &record).unwrap();
    assert_eq!(read_records(folder.path()).unwrap(), [record]);
}

/// A batch of no pairs makes the loop panic, and batch norm cannot be computed of a last batch of one.
/// Neither takes the other runs along.
#[test]
fn a_run_that_fails_stops_no_other_and_is_tried_again() {
    let mlp = variant("mlp").unwrap().clone();
    let mut plain = Architecture { name: "plain".to_owned(), ..mlp.clone() };
    plain.comparator.iter_mut().for_each(|layer| layer.steps.clear());
    let panicking = Recipe { batch_size: 0, ..small(Recipe::authors()) };
    let ends_with_one = Recipe { batch_size: 109, ..small(Recipe::paper()) };
    let plan = Plan {
        recipes: vec![panicking, ends_with_one],
        variants: vec![mlp, plain],
        runs: 1,
        seed: 0,
    };
    let folder = tempfile::tempdir().unwrap();
    for (kept, workers) in [(0, 2), (1, 1)] {
        let trained = train(folder.path(), &plan, workers, 2).unwrap();
        assert_eq!((trained.kept, trained.failed.len()), (kept, 3));
    }
    let records = read_records(folder.path()).unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            let failure = record.failure.as_ref().map(|failure| (failure.kind, &*failure.reason));
            (&*record.recipe, &*record.variant, failure)
        })
        .collect();
    let panicked = Some((FailureKind::Panic, "panicked: chunk size must be non-zero"));
    let [(.., first), (.., second), (.., third), (.., fourth)] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((first, second, fourth), (panicked, panicked, None));
    let (kind, reason) = third.unwrap();
    assert_eq!(kind, FailureKind::Device);
    assert!(reason.starts_with("failed to compute: ") && !reason.contains('\n'), "{reason}");
    // What failed is as long a record as any, of the same origin.
    let whole = &records[3];
    assert_eq!((&*whole.recipe, &*whole.variant), ("paper", "plain"));
    assert_eq!(records[1].parameters, whole.parameters);
    assert!(whole.failure.is_none() && whole.test_accuracy.is_some());
}

#[test]
fn a_network_whose_sizes_do_not_fit_is_refused_before_anything_is_trained() {
    let mut unfit = variant("mlp").unwrap().clone();
    unfit.comparator = variant("mlp-ws").unwrap().comparator.clone();
    let plan = Plan { variants: vec![unfit], ..plan(0) };
    let error = plan.asked(&setup(), mnist(), provenance()).unwrap_err();
    assert!(matches!(error, TrainingError::Architecture(_)), "{error:?}");
    assert_eq!(error.to_string(), "comparator.0 takes 20 inputs, a pair of digits gives 392");
}

/// A loss that is not finite is a result, and stays; what a panic or a device ended is tried again.
#[test]
fn what_trying_can_help_is_tried_again() {
    let plan = Plan { variants: vec![variant("mlp").unwrap().clone()], ..plan(5) };
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train(whole.path(), &plan, 2, 2).unwrap();
    train(broken.path(), &plan, 2, 2).unwrap();
    let kinds = [FailureKind::Panic, FailureKind::Device, FailureKind::NotFinite];
    for (record, kind) in read_records(broken.path()).unwrap().into_iter().zip(kinds) {
        let (epoch, batch, reason) = (None, None, "for a test".to_owned());
        let failure = Some(Failure { kind, epoch, batch, reason });
        let failed = Record { train_accuracy: None, test_accuracy: None, failure, ..record };
        write_record(broken.path(), &failed).unwrap();
    }
    let before = status(broken.path(), &plan, &asked(&plan), &setup()).unwrap();
    assert_eq!((before.kept, before.missing.len(), before.failed.len()), (2, 2, 1));
    assert!(train(broken.path(), &plan, 2, 2).unwrap().failed.is_empty());
    let (whole, mut mended) = (untimed(whole.path()), untimed(broken.path()));
    assert_eq!(mended.remove(2).failure.unwrap().kind, FailureKind::NotFinite);
    assert_eq!(mended, [&whole[..2], &whole[3..]].concat());
}

#[test]
fn a_listener_that_panics_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { variants: vec![variant("mlp").unwrap().clone()], ..plan(5) };
    let stop = AtomicBool::new(false);
    let panics = |_: &Record| panic!("nobody reads this");
    train_until(folder.path(), &plan, (2, 2), &stop, &panics).unwrap();
    assert_eq!(read_records(folder.path()).unwrap().len(), 4);
}

#[test]
fn a_folder_that_is_moved_away_ends_the_sweep_and_is_not_made_anew() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, aside) = (parent.path().join("sweep"), parent.path().join("aside"));
    let move_away = |_: &Record| {
        if dir.exists() {
            fs::rename(&dir, &aside).unwrap();
        }
    };
    let result = train_until(&dir, &plan(5), (1, 2), &AtomicBool::new(false), &move_away);
    let error = result.err().unwrap();
    assert!(matches!(error, TrainingError::Record(RecordError::Gone { .. })), "{error}");
    assert!(!dir.exists());
    assert_eq!(read_records(&aside).unwrap().len(), 1);
}

#[test]
fn looking_at_the_test_accuracy_does_not_change_the_training() {
    for recipe in Recipe::all().map(small) {
        let variant = variant("mlp-al").unwrap();
        let train = |test_every_epoch| {
            let setup = Setup { test_every_epoch, ..setup() };
            let stop = AtomicBool::new(false);
            run(&recipe, variant, (0, 0), mnist(), &setup, &stop).unwrap().record
        };
        let (mut looked, plain) = (train(true), train(false));
        for epoch in &mut looked.epochs {
            assert!(epoch.test_accuracy.take().is_some());
        }
        // The settings are not the same, the numbers are.
        assert_ne!(looked.follows_from, plain.follows_from);
        looked.follows_from = plain.follows_from.clone();
        assert_eq!(looked.without_timing(), plain.without_timing());
    }
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
    assert_eq!(paper["pair_draw"], "\"each-run\"");
    assert_eq!(authors["pair_draw"], "\"pytorch-once-per-kind\"");
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
