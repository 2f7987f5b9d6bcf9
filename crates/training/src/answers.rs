//! What a trained network says of digits that it is shown.

use candle_core::{D, Tensor};
use candle_nn::ops::{sigmoid, softmax};
use pairnet_data::{DataError, Mnist, PairSet, Split, draw_pairs};

use crate::TrainingError;
use crate::kept::Trained;
use crate::streams::stream;

/// What a network says of one pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// That the first digit is at most the second, from 0 to 1.
    pub probability: f64,
    /// Of each digit, first and second, the probability of 0 to 9; `None` where the network does not
    /// name digits.
    pub digits: Option<[[f64; 10]; 2]>,
}

impl Answer {
    /// Whether it says that the first digit is at most the second: a half is no yes, as accuracy is
    /// counted.
    pub fn holds(&self) -> bool {
        self.probability > 0.5
    }

    /// The likeliest digits, first and second; the smaller of equally likely ones.
    pub fn named(&self) -> Option<[u8; 2]> {
        let larger = |probabilities: &[f64; 10], best: usize, digit: usize| {
            if probabilities[digit] > probabilities[best] { digit } else { best }
        };
        let likeliest = |digit: [f64; 10]| (1..10).fold(0, |best, d| larger(&digit, best, d)) as u8;
        self.digits.map(|digits| digits.map(likeliest))
    }
}

/// Pairs that are looked at together.
const TOGETHER: usize = 500;

/// What a network says of pairs, in evaluation mode: two images of 14×14 a pair, pixels 0 to 255 and
/// light on dark ([`PairSet::images`]).
///
/// ```
/// use pairnet_data::Mnist;
/// use pairnet_models::{Kernels, variant};
/// use pairnet_training::{PixelScale, Recipe, RunId, Trained, answers, fresh_pairs};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (recipe, variant) = (Recipe::paper(), variant("mlp-ws-al")?);
/// let id = RunId { seed: 0, recipe: &recipe, variant, run: 0 };
/// let network = id.network(Kernels::Fused, &candle_core::Device::Cpu)?;
/// let trained = Trained { network, scale: PixelScale::RAW };
/// let pairs = fresh_pairs(&Mnist::shipped()?, 20, 7)?;
/// let answers = answers(&trained, pairs.images())?;
/// assert_eq!(answers.len(), 20);
/// assert!(answers[0].digits.is_some());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where there are not 392 numbers a pair, or the device fails.
pub fn answers(trained: &Trained, images: &[f32]) -> Result<Vec<Answer>, TrainingError> {
    const PAIR: usize = 2 * 14 * 14;
    if !images.len().is_multiple_of(PAIR) {
        let numbers = images.len();
        return Err(candle_core::Error::Msg(format!(
            "{numbers} numbers are no pairs of two images of 14×14"
        ))
        .into());
    }
    let Trained { network, scale } = trained;
    let mut answers = Vec::with_capacity(images.len() / PAIR);
    for images in images.chunks(TOGETHER * PAIR) {
        let shape = (images.len() / PAIR, 2, 14, 14);
        let images = scale.apply(&Tensor::from_slice(images, shape, network.device())?)?;
        let outputs = network.evaluate(&images)?.detach();
        let probabilities = sigmoid(&outputs.logits)?.to_vec1::<f32>()?;
        let digits = match &outputs.digit_logits {
            Some(logits) => softmax(logits, D::Minus1)?.to_vec3::<f32>()?,
            None => Vec::new(),
        };
        answers.extend(probabilities.into_iter().enumerate().map(|(pair, probability)| Answer {
            probability: f64::from(probability),
            digits: match &digits[..] {
                [first, second] => Some([wide(&first[pair]), wide(&second[pair])]),
                _ => None,
            },
        }));
    }
    Ok(answers)
}

fn wide(probabilities: &[f32]) -> [f64; 10] {
    let mut all = [0.0; 10];
    all.iter_mut().zip(probabilities).for_each(|(to, &from)| *to = f64::from(from));
    all
}

/// Pairs of the test split that no training has drawn: their stream is named by `seed` alone.
///
/// # Errors
///
/// Where the split has fewer than two digits a pair.
pub fn fresh_pairs(data: &Mnist, count: usize, seed: u64) -> Result<PairSet, DataError> {
    let mut stream = stream(&["evaluation", &seed.to_string()]);
    draw_pairs(&data.test, count, &mut stream).map_err(|error| error.of_split(Split::Test))
}
