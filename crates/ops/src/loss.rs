//! Losses with their gradients in closed form.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::reference;
use crate::softmax::probabilities;
use crate::tape::apply2;

/// Mean cross-entropy of `logits` (n, classes) against `classes` (n), U32 → a scalar.
///
/// −log softmax(logits)\[class\], averaged over the rows, as
/// [`torch.nn.functional.cross_entropy`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html).
///
/// # Errors
///
/// Where the shapes do not fit, a class is out of range, or the dtype is neither F32 nor F64.
pub fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    let (rows, width) = logits.dims2()?;
    if width == 0 {
        bail!("cross_entropy: logits {:?} are those of no class", logits.shape());
    }
    if classes.dims() != [rows] || classes.dtype() != DType::U32 || rows == 0 {
        bail!(
            "cross_entropy: {rows} rows of logits need as many U32 classes, one at least, got {:?} of {:?}",
            classes.shape(),
            classes.dtype()
        );
    }
    if composed("cross_entropy", logits)? {
        // A GPU stops for good at an index that is out of range.
        let class = classes.max(0)?.to_scalar::<u32>()?;
        if class as usize >= width {
            bail!("cross_entropy: class {class} of {width} classes");
        }
        return reference::cross_entropy(logits, classes);
    }
    let operation = CrossEntropy { probabilities: OnceLock::new() };
    apply2(&logits.contiguous()?, &classes.contiguous()?, operation)
}

/// Mean binary cross-entropy of `logits` (n) against `targets` (n) of the same dtype → a scalar.
///
/// max(z, 0) − z·t + log(1 + exp(−|z|)), which does not overflow, averaged, as
/// [`torch.nn.functional.binary_cross_entropy_with_logits`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html).
///
/// # Errors
///
/// Where the shapes differ or the dtype is neither F32 nor F64.
pub fn binary_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    if logits.rank() != 1 || logits.shape() != targets.shape() || logits.elem_count() == 0 {
        bail!(
            "binary_cross_entropy: logits {:?} and targets {:?} must both be (n,), n at least 1",
            logits.shape(),
            targets.shape()
        );
    }
    if composed("binary_cross_entropy", logits)? {
        return reference::binary_cross_entropy(logits, targets);
    }
    apply2(&logits.contiguous()?, &targets.contiguous()?, BinaryCrossEntropy)
}

/// Mean squared error of `predictions` against `targets`, of the same shape → a scalar.
///
/// # Errors
///
/// Where the shapes differ.
pub fn mean_squared_error(predictions: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (predictions - targets)?.sqr()?.mean_all()
}

struct CrossEntropy {
    /// The probability of each class, kept for the backward pass.
    probabilities: OnceLock<CpuStorage>,
}

impl CrossEntropy {
    fn compute<T: Element>(
        &self,
        (logits, layout): (&CpuStorage, &Layout),
        classes: &[u32],
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        if let Some(class) = classes.iter().find(|&&class| class as usize >= width) {
            bail!("cross_entropy: class {class} of {width} classes");
        }
        let logits = slice::<T>(logits, layout)?;
        let (probabilities, sums) = probabilities(logits, width);
        let rows_of_logits = logits.chunks_exact(width).zip(classes);
        let total =
            rows_of_logits.zip(sums).fold(T::ZERO, |total, ((row, &class), (largest, sum))| {
                // The difference first: of large logits, their sum with a logarithm would lose it.
                total + ((largest - row[class as usize]) + sum.ln())
            });
        self.probabilities.get_or_init(|| T::to_cpu_storage_owned(probabilities));
        let mean = total / T::from_f64(rows as f64);
        Ok((T::to_cpu_storage_owned(vec![mean]), Shape::from(())))
    }

    /// (softmax − one-hot) / n.
    fn gradient<T: Element>(
        &self,
        logits: &Tensor,
        classes: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<Tensor> {
        let Some(probabilities) = self.probabilities.get() else {
            bail!("cross_entropy: there was no forward pass");
        };
        let (rows, width) = logits.dims2()?;
        let scale = scalar::<T>(result_gradient)? / T::from_f64(rows as f64);
        let mut gradient = probabilities.as_slice::<T>()?.to_vec();
        for (row, class) in gradient.chunks_exact_mut(width).zip(classes.to_vec1::<u32>()?) {
            row[class as usize] -= T::ONE;
        }
        gradient.iter_mut().for_each(|gradient| *gradient *= scale);
        element::tensor(gradient, (rows, width), logits)
    }
}

fn scalar<T: Element>(tensor: &Tensor) -> Result<T> {
    tensor.to_scalar::<T>()
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        logits_layout: &Layout,
        classes: &CpuStorage,
        classes_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let classes: &[u32] = slice(classes, classes_layout)?;
        with_float!(self.name(), logits.dtype(), T => {
            self.compute::<T>((logits, logits_layout), classes)
        })
    }

    fn bwd(
        &self,
        logits: &Tensor,
        classes: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = with_float!(self.name(), logits.dtype(), T => {
            self.gradient::<T>(logits, classes, result_gradient)
        })?;
        Ok((Some(gradient), None))
    }
}

struct BinaryCrossEntropy;

impl BinaryCrossEntropy {
    fn compute<T: Element>(logits: &[T], targets: &[T]) -> (CpuStorage, Shape) {
        let total = logits.iter().zip(targets).fold(T::ZERO, |total, (&logit, &target)| {
            let positive = if logit > T::ZERO { logit } else { T::ZERO };
            // −|z|, so that NaN stays NaN.
            let below = if logit > T::ZERO { T::ZERO - logit } else { logit };
            total + positive - logit * target + below.exp().ln_1p()
        });
        let mean = total / T::from_f64(logits.len() as f64);
        (T::to_cpu_storage_owned(vec![mean]), Shape::from(()))
    }

    /// (sigmoid(z) − t) / n, and −z / n for the targets where they are trained.
    fn gradients<T: Element>(
        logits: &Tensor,
        targets: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = scalar::<T>(result_gradient)? / T::from_f64(logits.elem_count() as f64);
        let (logit_values, target_values) =
            (logits.storage_and_layout(), targets.storage_and_layout());
        let (logit_slice, target_slice): (&[T], &[T]) =
            (values(&logit_values)?, values(&target_values)?);
        let gradient: Vec<T> = logit_slice
            .iter()
            .zip(target_slice)
            .map(|(&logit, &target)| {
                let probability = T::ONE / (T::ONE + (T::ZERO - logit).exp());
                (probability - target) * scale
            })
            .collect();
        let target_gradient = if targets.track_op() {
            let gradient = logit_slice.iter().map(|&logit| (T::ZERO - logit) * scale).collect();
            Some(element::tensor::<T>(gradient, targets.shape(), logits)?)
        } else {
            None
        };
        Ok((Some(element::tensor(gradient, logits.shape(), logits)?), target_gradient))
    }
}

impl CustomOp2 for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn cpu_fwd(
        &self,
        logits: &CpuStorage,
        logits_layout: &Layout,
        targets: &CpuStorage,
        targets_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), logits.dtype(), T => Ok(Self::compute::<T>(
            slice(logits, logits_layout)?,
            slice(targets, targets_layout)?,
        )))
    }

    fn bwd(
        &self,
        logits: &Tensor,
        targets: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), logits.dtype(), T => {
            Self::gradients::<T>(logits, targets, result_gradient)
        })
    }
}
