//! One run: the training loop, its record and its predictions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use candle_core::DType;
use pairnet_data::{Mnist, Split};
use pairnet_models::{Architecture, Network};
use pairnet_ops::{Adam, Optimizer, StatefulOptimizer};
use pairnet_record::{Epoch, Failure, FailureKind, Predictions, RECORD_FORMAT, Record, Timing};

use crate::TrainingError;
use crate::batches::{Batch, batches};
use crate::epoch::{NotFinite, Seen};
use crate::evaluation::{Evaluation, evaluate};
use crate::losses::losses;
use crate::plan::follows_from;
use crate::predictions::predictions;
use crate::recipe::{AdamState, Recipe, TrainAccuracy};
use crate::setup::Setup;
use crate::streams::{DrawnMasks, RunId};

/// What a run leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What it was and what it measured.
    pub record: Record,
    /// What the trained network said of the test pairs; `None` where the run failed.
    pub predictions: Option<Predictions>,
}

/// Trains one network and says how it went.
///
/// A loss or logit that is not finite ends the run with a recorded failure, not with an error.
///
/// # Errors
///
/// Where `data` has too few digits, the device fails, or `stop` was set
/// ([`TrainingError::Interrupted`]).
pub fn run(
    recipe: &Recipe,
    variant: &Architecture,
    (run, seed): (usize, u64),
    data: &Mnist,
    setup: &Setup,
    stop: &AtomicBool,
) -> Result<Finished, TrainingError> {
    let start = Instant::now();
    let id = RunId { seed, recipe, variant, run };
    let follows_from = follows_from(recipe, variant, seed, data, setup)?;
    let mut network =
        Network::new(variant, setup.kernels, &mut id.weights(), DType::F32, &setup.device)?;
    let prepare = |split| -> Result<Vec<Batch>, TrainingError> {
        let pairs = id.pairs(data, split)?;
        let mut batches = batches(&pairs, recipe.batch_size, &setup.device)?;
        for batch in &mut batches {
            batch.images = network.lay_out(&batch.images)?;
        }
        Ok(batches)
    };
    let (train, test) = rayon::join(|| prepare(Split::Train), || prepare(Split::Test));
    let sets = Sets { train: train?, test: test? };
    let parameters = network.parameter_count();
    let mut epochs = Vec::with_capacity(recipe.epochs);
    let mut masks = id.masks();
    let end = train_network(recipe, &mut network, &sets, setup, &mut masks, stop, &mut epochs)?;
    let predictions = match &end {
        Ok(measured) => Some(predictions(&id, &follows_from, &sets.test, &measured.test.outputs)?),
        Err(_) => None,
    };
    let record = Record {
        format: RECORD_FORMAT,
        recipe: recipe.name.to_owned(),
        variant: variant.name.clone(),
        run,
        seed,
        follows_from,
        parameters,
        train_accuracy: end.as_ref().ok().map(|measured| measured.train),
        test_accuracy: end.as_ref().ok().map(|measured| measured.test.score.percent()),
        failure: end.err(),
        epochs,
        timing: Timing { seconds: start.elapsed().as_secs_f64() },
    };
    Ok(Finished { record, predictions })
}

/// The batches of both splits.
struct Sets {
    train: Vec<Batch>,
    test: Vec<Batch>,
}

/// What is measured after training.
struct Measured {
    /// In percent.
    train: f64,
    test: Evaluation,
}

/// The training loop. `epochs` gets every whole epoch, also where a failure ends the run.
fn train_network(
    recipe: &Recipe,
    network: &mut Network,
    sets: &Sets,
    setup: &Setup,
    masks: &mut DrawnMasks,
    stop: &AtomicBool,
    epochs: &mut Vec<Epoch>,
) -> Result<Result<Measured, Failure>, TrainingError> {
    let variables = network.parameters().into_iter().map(|(_, variable)| variable.clone());
    let mut adam = Adam::new(variables.collect(), recipe.adam())?;
    for epoch in 0..recipe.epochs {
        let mut seen = Seen::default();
        for batch in &sets.train {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainingError::Interrupted);
            }
            let outputs = network.train(&batch.images, masks)?;
            let losses = losses(recipe, network.architecture(), &outputs, batch, setup.kernels)?;
            seen.push(&losses, &outputs);
            if recipe.adam_state == AdamState::RemadeEachStep {
                adam.reset()?;
            }
            adam.step(&outputs.backward(&losses.total)?)?;
        }
        let mut measured = match seen.epoch(&sets.train)? {
            Ok(measured) => measured,
            Err(NotFinite { batch, reason }) => {
                tracing::warn!(recipe = recipe.name, epoch, batch, reason, "run failed");
                return Ok(Err(not_finite(epoch, batch, reason)));
            }
        };
        if setup.test_every_epoch {
            // A copy of the masks' stream: looking must not change the training.
            let test = evaluate(network, &sets.test, recipe.evaluation, &mut masks.clone())?;
            measured.test_accuracy = test.map(|test| test.score.percent());
        }
        let Epoch { total_loss, train_accuracy, .. } = measured;
        tracing::debug!(recipe = recipe.name, epoch, total_loss, train_accuracy);
        epochs.push(measured);
    }
    let mut measure = |batches: &[Batch]| evaluate(network, batches, recipe.evaluation, masks);
    let train = match recipe.train_accuracy {
        TrainAccuracy::AfterLastEpoch => measure(&sets.train)?.map(|train| train.score.percent()),
        TrainAccuracy::DuringLastEpoch => epochs.last().map(|epoch| epoch.train_accuracy),
    };
    let test = measure(&sets.test)?;
    Ok(match (train, test) {
        (Some(train), Some(test)) => Ok(Measured { train, test }),
        _ => {
            let reason = "a logit of the trained network is not finite".to_owned();
            Err(not_finite(recipe.epochs, 0, reason))
        }
    })
}

fn not_finite(epoch: usize, batch: usize, reason: String) -> Failure {
    Failure { kind: FailureKind::NotFinite, epoch: Some(epoch), batch: Some(batch), reason }
}
