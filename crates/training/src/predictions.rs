//! What a trained network said of the test pairs, as it is kept for the pictures.

use candle_core::{D, Result};
use candle_nn::ops::{sigmoid, softmax};
use pairnet_models::Outputs;
use pairnet_record::{Mistake, PREDICTIONS_FORMAT, Pixels, Predictions, round_probability};

use crate::sets::Sets;
use crate::streams::RunId;

/// The predictions behind `outputs`, one a batch of the test pairs.
pub(crate) fn predictions(
    id: &RunId<'_>,
    follows_from: &str,
    sets: &Sets,
    outputs: &[Outputs],
) -> Result<Predictions> {
    let mut predictions = Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: id.recipe.name.clone(),
        variant: id.variant.name.clone(),
        run: id.run,
        seed: id.seed,
        follows_from: follows_from.to_owned(),
        classes: Vec::new(),
        probabilities: Vec::new(),
        mistakes: Vec::new(),
    };
    let mut posteriors = Vec::new();
    for (batch, outputs) in sets.test.iter().zip(outputs) {
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
        let mistake = |pair| {
            let images = pixels(sets.test_pairs.images(), pair);
            Mistake { pair, images, posteriors: posteriors[pair] }
        };
        predictions.mistakes = predictions.wrong().map(mistake).collect();
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
fn pixels(images: &[f32], pair: usize) -> [Pixels; 2] {
    let mut both = [Pixels([0; Pixels::COUNT]); 2];
    let values = images.chunks_exact(Pixels::COUNT).skip(2 * pair);
    for (image, values) in both.iter_mut().zip(values) {
        for (pixel, value) in image.0.iter_mut().zip(values) {
            *pixel = value.round() as u8;
        }
    }
    both
}
