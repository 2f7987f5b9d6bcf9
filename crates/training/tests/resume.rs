//! A training that is broken off goes on to the same bytes.

mod support;

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use pairnet_data::{Mnist, Split};
use pairnet_models::{Architecture, Kernels, Metadata, variant};
use pairnet_record::Record;
use pairnet_training::{
    Finished, InputScale, Kept, OptimiserKind, PairOrder, RandomNumbers, Recipe, RunId, Schedule,
    Setup, State, TrainingError, answers, follows_from, keep, network_path, train,
};
use support::device;

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

fn setup() -> Setup {
    Setup { device: device().clone(), kernels: Kernels::Fused, test_every_epoch: true, keep: None }
}

fn small(recipe: Recipe) -> Recipe {
    Recipe { pairs: 150, batch_size: 50, epochs: 4, ..recipe }
}

fn id<'a>(recipe: &'a Recipe, variant: &'a Architecture) -> RunId<'a> {
    RunId { seed: 5, recipe, variant, run: 2 }
}

/// Trains until `sittings` are over, of which each ends after an epoch with the state in `file`, and
/// the last one with the training. What comes out: record without timing, predictions, network.
fn trained(id: &RunId<'_>, file: &Path, sittings: &[usize]) -> (Finished, Vec<u8>) {
    let setup = setup();
    let origin = follows_from(id.recipe, id.variant, id.seed, mnist(), &setup).unwrap();
    let go = AtomicBool::new(false);
    let mut state = State::new(id, &setup).unwrap();
    for &last in sittings {
        let mut after = |state: &State| {
            state.save(file, (id, &origin))?;
            if state.epochs().len() == last { Err(TrainingError::Interrupted) } else { Ok(()) }
        };
        let ended = train(id, state, mnist(), &setup, &go, &mut after).unwrap_err();
        assert!(matches!(ended, TrainingError::Interrupted), "{ended}");
        state = State::load(file, (id, &origin), &setup).unwrap();
        assert_eq!(state.epochs().len(), last);
    }
    let (mut finished, trained) = train(id, state, mnist(), &setup, &go, &mut |_| Ok(())).unwrap();
    finished.record.timing.seconds = 0.0;
    (finished, trained.network.to_safetensors(&Metadata::new()).unwrap())
}

/// Recipes with all settings that the paper's have not.
fn with_settings() -> [Recipe; 3] {
    let common = Recipe {
        order: PairOrder::Shuffled,
        training_pairs: Some(120),
        random_numbers: RandomNumbers::Common,
        gradient_clip: Some(0.5),
        ..small(Recipe::paper())
    };
    let (schedule, input_scale) = (Schedule::Cosine, InputScale::Standardised);
    [
        Recipe { optimiser: OptimiserKind::Adamw, schedule, warm_up: 1, ..common.clone() },
        Recipe { optimiser: OptimiserKind::Sgd, momentum: 0.9, input_scale, ..common.clone() },
        Recipe { schedule: Schedule::OneCycle, label_smoothing: 0.1, ..common },
    ]
}

#[test]
fn a_training_in_many_sittings_ends_in_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("unfinished");
    for recipe in Recipe::all().map(small).into_iter().chain(with_settings()) {
        recipe.check().unwrap();
        for name in ["mlp-ws", "lenet5-ws", "mlp-al", "lenet5-ws-al"] {
            let id = id(&recipe, variant(name).unwrap());
            let whole = trained(&id, &file, &[]);
            assert_eq!(whole.0.record.epochs.len(), 4);
            assert!(whole.0.record.failure.is_none());
            for sittings in [&[1][..], &[3], &[4], &[1, 2, 3]] {
                assert!(trained(&id, &file, sittings) == whole, "{name}, sittings of {sittings:?}");
            }
        }
    }
}

#[test]
fn a_state_of_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("unfinished");
    let (paper, authors) = (small(Recipe::paper()), small(Recipe::authors()));
    let mine = id(&paper, variant("mlp-ws").unwrap());
    let setup = setup();
    let origin =
        |id: &RunId<'_>| follows_from(id.recipe, id.variant, id.seed, mnist(), &setup).unwrap();
    State::new(&mine, &setup).unwrap().save(&file, (&mine, &origin(&mine))).unwrap();
    let others = [
        RunId { run: 3, ..mine },
        RunId { seed: 6, ..mine },
        RunId { recipe: &authors, ..mine },
        RunId { variant: variant("mlp-ws-al").unwrap(), ..mine },
    ];
    for other in others {
        let error = State::load(&file, (&other, &origin(&other)), &setup).unwrap_err().to_string();
        assert!(error.contains("unfinished: it is of another run, recipe"), "{error}");
    }
}

/// Every byte would take minutes: those of the header, and some of the tensors.
#[test]
fn no_changed_byte_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("unfinished");
    let recipe = small(Recipe::paper());
    let id = id(&recipe, variant("mlp-ws").unwrap());
    let setup = setup();
    let origin = follows_from(id.recipe, id.variant, id.seed, mnist(), &setup).unwrap();
    State::new(&id, &setup).unwrap().save(&file, (&id, &origin)).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize + 8;
    let places = (0..header).step_by(7).chain((header..whole.len()).step_by(10_007));
    for place in places {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        let loaded = State::load(&file, (&id, &origin), &setup);
        assert!(loaded.is_err(), "byte {place} of {} was changed", whole.len());
    }
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
    let error = State::load(&file, (&id, &origin), &setup).unwrap_err().to_string();
    assert!(error.contains("unfinished has 1099511627776 bytes"), "{error}");
    for length in [0, 7, header, whole.len() - 1] {
        std::fs::write(&file, &whole[..length]).unwrap();
        let error = State::load(&file, (&id, &origin), &setup).unwrap_err().to_string();
        assert!(error.contains("unfinished"), "{error}");
    }
}

#[test]
fn a_kept_network_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = small(Recipe::paper());
    let id = id(&recipe, variant("lenet5-ws").unwrap());
    let (setup, go) = (setup(), AtomicBool::new(false));
    let state = State::new(&id, &setup).unwrap();
    let (Finished { record, .. }, network) =
        train(&id, state, mnist(), &setup, &go, &mut |_| Ok(())).unwrap();
    let program = pairnet_record::Provenance {
        version: "1.2.3".to_owned(),
        git_revision: None,
        git_dirty: None,
        machine: "a machine".to_owned(),
    };
    let path = network_path(dir.path(), "paper", "lenet5-ws", 2);
    assert_eq!(path, dir.path().join("networks/paper/lenet5-ws/2.safetensors"));
    // What one left that was killed as it wrote the same.
    let folder = path.parent().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(".2.safetensors.pairnet-part"), "a part").unwrap();
    keep(&path, &network, &record, &program).unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    let (again, known) =
        pairnet_models::Network::load(&path, Kernels::Fused, &setup.device).unwrap();
    assert_eq!(again.architecture(), id.variant);
    let Record { seed, run, follows_from, test_accuracy, .. } = record;
    assert_eq!((&*known["seed"], &*known["run"]), (&*seed.to_string(), &*run.to_string()));
    assert_eq!((&*known["recipe"], &*known["version"]), ("paper", "1.2.3"));
    assert_eq!(known["follows_from"], follows_from);
    assert_eq!(known["test_accuracy"].parse::<f64>().ok(), test_accuracy);
    assert!(!known.contains_key("revision"));
    assert_eq!(known.contains_key("instructions"), setup.device.is_cpu());

    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Kept::load(&path).unwrap_err().to_string();
    let expected = format!("{} holds no network: it was changed since", path.display());
    assert!(error.starts_with(&expected), "{error}");
}

/// Networks that saw scaled pixels in training see them scaled wherever they are asked.
#[test]
fn a_kept_network_sees_pixels_as_in_its_training() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe { input_scale: InputScale::Standardised, ..small(Recipe::paper()) };
    let id = id(&recipe, variant("mlp-ws").unwrap());
    let (setup, go) = (setup(), AtomicBool::new(false));
    let state = State::new(&id, &setup).unwrap();
    let (Finished { record, predictions }, trained) =
        train(&id, state, mnist(), &setup, &go, &mut |_| Ok(())).unwrap();
    let program = pairnet_record::Provenance {
        version: "1.2.3".to_owned(),
        git_revision: None,
        git_dirty: None,
        machine: "a machine".to_owned(),
    };
    let path = dir.path().join("kept.safetensors");
    keep(&path, &trained, &record, &program).unwrap();
    let kept = Kept::load(&path).unwrap();
    assert_eq!(kept.trained.scale, trained.scale);
    let pairs = id.pairs(mnist(), Split::Test).unwrap();
    let answers = answers(&kept.trained, pairs.images()).unwrap();
    for (answer, said) in answers.iter().zip(predictions.unwrap().probabilities) {
        assert!((answer.probability - said).abs() < 1e-4, "{answer:?}, {said}");
    }

    let mut known = kept.known.clone();
    known.insert("pixel_divisor".to_owned(), "wide".to_owned());
    kept.trained.network.save(&path, &known).unwrap();
    let error = Kept::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("pixel_divisor is 'wide', and no number"), "{error}");
}
