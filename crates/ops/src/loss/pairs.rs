//! Losses that compare each value with a target of its own.

use std::marker::PhantomData;

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed, flushed};
use crate::kernels::parts;
use crate::kernels::sums::{BLOCK, total};
use crate::op::{Argument, Op, apply};
use crate::reference;

/// Mean binary cross-entropy of `logits` against `targets` of the same shape, whatever it is, and the
/// same dtype → a scalar.
///
/// max(z, 0) − z·t + log(1 + exp(−|z|)), which does not overflow, averaged, as
/// [`torch.nn.functional.binary_cross_entropy_with_logits`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html).
/// Very small probabilities have no gradient, as in [`crate::cross_entropy`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pairnet_ops::binary_cross_entropy_with_logits;
///
/// # fn main() -> candle_core::Result<()> {
/// let logits = Tensor::new(&[200f32, -200.0], &Device::Cpu)?;
/// let targets = Tensor::new(&[1f32, 1.0], &Device::Cpu)?;
/// let loss = binary_cross_entropy_with_logits(&logits, &targets)?;
/// assert_eq!(loss.to_scalar::<f32>()?, 100.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where shapes or dtypes differ, there is no value, or the dtype is neither F32 nor F64.
pub fn binary_cross_entropy_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    compare::<BinaryCrossEntropy>(logits, targets)
}

/// Mean squared error of `predictions` against `targets` of the same shape, whatever it is, and the
/// same dtype → a scalar.
///
/// As
/// [`torch.nn.functional.mse_loss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html).
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// # fn main() -> candle_core::Result<()> {
/// let predictions = Tensor::new(&[1f32, 2.0], &Device::Cpu)?;
/// let targets = Tensor::new(&[1f32, 5.0], &Device::Cpu)?;
/// let error = pairnet_ops::mean_squared_error(&predictions, &targets)?;
/// assert_eq!(error.to_scalar::<f32>()?, 4.5);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where shapes or dtypes differ, there is no value, or the dtype is neither F32 nor F64.
pub fn mean_squared_error(predictions: &Tensor, targets: &Tensor) -> Result<Tensor> {
    compare::<SquaredError>(predictions, targets)
}

/// What is averaged over all pairs of a value and its target.
trait Comparison: Send + Sync + 'static {
    const NAME: &'static str;

    fn reference(values: &Tensor, targets: &Tensor) -> Result<Tensor>;
    fn loss<T: Element>(value: T, target: T) -> f64;
    /// The gradients by value and by target, of which there are `count`, each times `given`.
    fn gradients<T: Element>(given: T, count: usize) -> (impl Slope<T>, impl Slope<T>);
}

/// A gradient at a value and its target.
trait Slope<T>: Fn(T, T) -> T + Sync {}

impl<T, F: Fn(T, T) -> T + Sync> Slope<T> for F {}

struct BinaryCrossEntropy;

impl Comparison for BinaryCrossEntropy {
    const NAME: &'static str = "binary_cross_entropy_with_logits";

    fn reference(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
        reference::binary_cross_entropy_with_logits(logits, targets)
    }

    fn loss<T: Element>(logit: T, target: T) -> f64 {
        let positive = if logit > T::ZERO { logit } else { T::ZERO };
        // −|z|, so that NaN stays NaN.
        let below = if logit > T::ZERO { T::ZERO - logit } else { logit };
        (positive - logit * target + below.exp().ln_1p()).to_f64()
    }

    /// (sigmoid(z) − t) / n, and −z / n.
    fn gradients<T: Element>(given: T, count: usize) -> (impl Slope<T>, impl Slope<T>) {
        let scale = given / T::from_f64(count as f64);
        let by_logit = move |logit: T, target: T| {
            let probability = T::ONE / (T::ONE + (T::ZERO - logit).exp());
            (flushed(probability, T::LEAST_SCALABLE) - target) * scale
        };
        (by_logit, move |logit: T, _| (T::ZERO - logit) * scale)
    }
}

struct SquaredError;

impl Comparison for SquaredError {
    const NAME: &'static str = "mean_squared_error";

    fn reference(predictions: &Tensor, targets: &Tensor) -> Result<Tensor> {
        reference::mean_squared_error(predictions, targets)
    }

    fn loss<T: Element>(prediction: T, target: T) -> f64 {
        let apart = (prediction - target).to_f64();
        apart * apart
    }

    /// 2 · (p − t) / n, and its opposite.
    fn gradients<T: Element>(given: T, count: usize) -> (impl Slope<T>, impl Slope<T>) {
        let scale = given * T::from_f64(1.0 / count as f64);
        let two = T::ONE + T::ONE;
        let slope = move |prediction: T, target: T| (prediction - target) * scale * two;
        (slope, move |prediction: T, target: T| T::ZERO - slope(prediction, target))
    }
}

fn compare<C: Comparison>(given: &Tensor, targets: &Tensor) -> Result<Tensor> {
    if given.shape() != targets.shape() || given.dtype() != targets.dtype() {
        bail!(
            "{}: values of shape {:?} and dtype {:?}, targets of {:?} and {:?}, both must be the same",
            C::NAME,
            given.shape(),
            given.dtype(),
            targets.shape(),
            targets.dtype()
        );
    }
    if given.elem_count() == 0 {
        bail!("{}: values of shape {:?}, one at least is needed", C::NAME, given.shape());
    }
    if composed(C::NAME, given)? {
        return C::reference(given, targets);
    }
    apply(Mean::<C>(PhantomData), [&given.contiguous()?, &targets.contiguous()?])
}

struct Mean<C>(PhantomData<C>);

impl<C: Comparison> Op<2> for Mean<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn forward<T: Element>(
        &self,
        [given, targets]: [Argument<'_, T>; 2],
    ) -> Result<(Vec<T>, Shape)> {
        let (given, targets) = (given.values, targets.values);
        let sum = total(given.len(), BLOCK, |index| C::loss(given[index], targets[index]));
        Ok((vec![T::from_f64(sum / given.len() as f64)], ().into()))
    }

    fn backward<T: Element>(
        &self,
        [given, targets]: [Argument<'_, T>; 2],
        [of_given, of_targets]: [bool; 2],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 2]> {
        let (given, targets) = (given.values, targets.values);
        let (by_value, by_target) = C::gradients(gradient[0], given.len());
        let of_given = of_given.then(|| slopes(given, targets, by_value));
        Ok([of_given, of_targets.then(|| slopes(given, targets, by_target))])
    }
}

fn slopes<T: Element>(values: &[T], targets: &[T], slope: impl Slope<T>) -> Vec<T> {
    let blocks = values.chunks(BLOCK).zip(targets.chunks(BLOCK));
    let slopes = |(values, targets): (&[T], &[T])| -> Vec<T> {
        values.iter().zip(targets).map(|(&value, &target)| slope(value, target)).collect()
    };
    parts::map(blocks, slopes).concat()
}
