//! One run: the training loop, its record and its predictions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pairnet_data::Mnist;
use pairnet_models::Architecture;
use pairnet_record::{Epoch, Failure, FailureKind, Predictions, RECORD_FORMAT, Record, Timing};

use crate::TrainingError;
use crate::batches::Batch;
use crate::choices::TrainAccuracy;
use crate::epoch::{NotFinite, Seen};
use crate::evaluation::{Evaluation, evaluate};
use crate::kept::Trained;
use crate::losses::losses;
use crate::plan::follows_from;
use crate::predictions::predictions;
use crate::recipe::Recipe;
use crate::sets::Sets;
use crate::setup::Setup;
use crate::state::State;
use crate::streams::RunId;

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
    let id = RunId { seed, recipe, variant, run };
    let state = State::new(&id, setup)?;
    Ok(train(&id, state, data, setup, stop, &mut |_| Ok(()))?.0)
}

/// [`run()`], from wherever a training stands, and the network that comes out.
///
/// `after_epoch` sees the state after each whole epoch; an error of its own ends the training. What
/// comes out is the same, timings apart, whether the training went through in one sitting or in many.
///
/// # Errors
///
/// As [`run()`], and those of `after_epoch`.
pub fn train(
    id: &RunId<'_>,
    mut state: State,
    data: &Mnist,
    setup: &Setup,
    stop: &AtomicBool,
    after_epoch: &mut dyn FnMut(&State) -> Result<(), TrainingError>,
) -> Result<(Finished, Trained), TrainingError> {
    let start = Instant::now();
    let RunId { seed, recipe, variant, run } = *id;
    let follows_from = follows_from(recipe, variant, seed, data, setup)?;
    let sets = Sets::new(id, data, &state.network)?;
    let before = state.seconds;
    let mut after_epoch = |state: &mut State| {
        state.seconds = before + start.elapsed().as_secs_f64();
        after_epoch(state)
    };
    let end = train_network(id, &mut state, &sets, setup, stop, &mut after_epoch)?;
    let predictions = match &end {
        Ok(measured) => Some(predictions(id, &follows_from, &sets, &measured.test.outputs)?),
        Err(_) => None,
    };
    let State { network, epochs, .. } = state;
    let record = Record {
        format: RECORD_FORMAT,
        recipe: recipe.name.clone(),
        variant: variant.name.clone(),
        run,
        seed,
        follows_from,
        parameters: network.parameter_count(),
        train_accuracy: end.as_ref().ok().map(|measured| measured.train),
        test_accuracy: end.as_ref().ok().map(|measured| measured.test.score.percent()),
        failure: end.err(),
        epochs,
        timing: Timing { seconds: before + start.elapsed().as_secs_f64() },
    };
    Ok((Finished { record, predictions }, Trained { network, scale: sets.scale }))
}

/// What is measured after training.
struct Measured {
    /// In percent.
    train: f64,
    test: Evaluation,
}

/// The training loop. The state gets every whole epoch, also where a failure ends the run.
fn train_network(
    id: &RunId<'_>,
    state: &mut State,
    sets: &Sets,
    setup: &Setup,
    stop: &AtomicBool,
    after_epoch: &mut dyn FnMut(&mut State) -> Result<(), TrainingError>,
) -> Result<Result<Measured, Failure>, TrainingError> {
    let recipe = id.recipe;
    for epoch in state.epochs.len()..recipe.epochs {
        let State { network, optimiser, masks, .. } = &mut *state;
        let batches = sets.epoch(id, epoch, network)?;
        let mut seen = Seen::default();
        for (index, batch) in batches.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainingError::Interrupted);
            }
            let outputs = network.train(&batch.images, masks)?;
            let losses = losses(recipe, network.architecture(), &outputs, batch, setup.kernels)?;
            seen.push(&losses, &outputs);
            let step = epoch * batches.len() + index;
            optimiser.step(step, outputs.backward(&losses.total)?)?;
        }
        let mut measured = match seen.epoch(&batches)? {
            Ok(measured) => measured,
            Err(NotFinite { batch, reason }) => {
                tracing::warn!(recipe = &*recipe.name, epoch, batch, reason, "run failed");
                return Ok(Err(not_finite(epoch, batch, reason)));
            }
        };
        if setup.test_every_epoch {
            // A copy of the masks' stream: looking must not change the training.
            let test = evaluate(network, &sets.test, recipe.evaluation, &mut masks.clone())?;
            measured.test_accuracy = test.map(|test| test.score.percent());
        }
        let Epoch { total_loss, train_accuracy, .. } = measured;
        tracing::debug!(recipe = &*recipe.name, epoch, total_loss, train_accuracy);
        state.epochs.push(measured);
        after_epoch(state)?;
    }
    let State { network, masks, epochs, .. } = state;
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
