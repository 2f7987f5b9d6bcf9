//! What a trained network said of the test pairs, as it is kept for the pictures.

use candle_core::{D, Result};
use candle_nn::ops::{sigmoid, softmax};
use pairnet_models::Outputs;
use pairnet_record::{Mistake, PREDICTIONS_FORMAT, Pixels, Predictions, round_probability};

use crate::batches::Batch;
use crate::streams::RunId;

/// The predictions behind `outputs`, one a batch.
pub(crate) fn predictions(
    id: &RunId<'_>,
    follows_from: &str,
    batches: &[Batch],
    outputs: &[Outputs],
) -> Result<Predictions> {
    let mut predictions = Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: id.recipe.name.to_owned(),
        variant: id.variant.name.clone(),
        run: id.run,
        seed: id.seed,
        follows_from: follows_from.to_owned(),
        classes: Vec::new(),
        probabilities: Vec::new(),
        mistakes: Vec::new(),
    };
    let mut posteriors = Vec::new();
    for (batch, outputs) in batches.iter().zip(outputs) {
        let classes = batch.classes.to_vec1::<u32>()?;
        let (first, second) = classes.split_at(classes.len() / 2);
        let pairs = first.iter().zip(second).map(|(&first, &second)| [first as u8, second as u8]);
        predictions.classes.extend(pairs);
        let probabilities = sigmoid(&outputs.logits)?.to_vec1::<f32>()?;
        predictions
            .probabilities
            .extend(probabilities.into_iter().map(f64::from).map(round_probability));
        if let Some(logits) = &outputs.digit_logits {
            let [first, second] = &softmax(logits, D::Minus1)?.to_vec3::<f32>()?[..] else {
                candle_core::bail!("digit logits of shape {:?} are not of pairs", logits.shape());
            };
            posteriors
                .extend(first.iter().zip(second).map(|(a, b)| [thousandths(a), thousandths(b)]));
        }
    }
    if !posteriors.is_empty() {
        let size = batches.first().map_or(1, |batch| batch.targets.elem_count());
        let mistake = |pair| {
            let images = pixels(&batches[pair / size], pair % size)?;
            Ok(Mistake { pair, images, posteriors: posteriors[pair] })
        };
        predictions.mistakes = predictions.wrong().map(mistake).collect::<Result<_>>()?;
    }
    Ok(predictions)
}

/// Three decimals of each digit's probability.
fn thousandths(probabilities: &[f32]) -> [f64; 10] {
    let mut rounded = [0.0; 10];
    for (rounded, &probability) in rounded.iter_mut().zip(probabilities) {
        *rounded = (f64::from(probability) * 1e3).round() / 1e3;
    }
    rounded
}

/// Both digits of a pair; pooled values are quarters, a picture of them needs none.
fn pixels(batch: &Batch, index: usize) -> Result<[Pixels; 2]> {
    let values = batch.images.get(index)?.flatten_all()?.to_vec1::<f32>()?;
    let mut images = [Pixels([0; Pixels::COUNT]); 2];
    for (image, values) in images.iter_mut().zip(values.chunks_exact(Pixels::COUNT)) {
        for (pixel, value) in image.0.iter_mut().zip(values) {
            *pixel = value.round() as u8;
        }
    }
    Ok(images)
}
