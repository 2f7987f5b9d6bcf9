//! A fully connected layer, ReLU and batch norm as one op.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, Device, Result, Shape, Tensor, bail};

use crate::batch_norm::batch_norm;
use crate::concatenation::concatenate;
use crate::element::{Element, has_kernels};
use crate::kernels::batch_norm::{
    InputGradient, Normaliser, forward, gradient_sums, rectified_gradient,
};
use crate::kernels::linear::weighted;
use crate::kernels::moments::rectified_moments;
use crate::kernels::through_relu::ThroughRelu;
use crate::layout::bias_or_zeros;
use crate::linear::{check, gradients_through, linear_relu};
use crate::op::{Argument, Op, apply, kept};
use crate::statistics::BatchStatistics;

const NAME: &str = "linear_relu_batch_norm";

/// The trained tensors and settings of a fully connected layer that batch norm follows.
#[derive(Clone, Copy, Debug)]
pub struct NormalisedLinear<'a> {
    /// (outputs, inputs).
    pub weight: &'a Tensor,
    /// (outputs), or none.
    pub bias: Option<&'a Tensor>,
    /// Batch norm's scale, (outputs).
    pub gamma: &'a Tensor,
    /// Batch norm's shift, (outputs).
    pub beta: &'a Tensor,
    /// Added to the variance.
    pub epsilon: f64,
}

/// A fully connected layer, ReLU and batch norm with the batch's statistics, for `input`
/// (n, inputs) → (n, outputs), and those statistics.
///
/// The result is that of [`linear_relu`] and [`batch_norm()`] one after another, and so are the
/// gradients; what lies between stays within the op.
///
/// # Errors
///
/// As those functions.
pub fn linear_relu_batch_norm(
    input: &Tensor,
    layer: &NormalisedLinear<'_>,
) -> Result<(Tensor, BatchStatistics)> {
    let NormalisedLinear { weight, bias, gamma, beta, epsilon } = *layer;
    let &[rows, _] = input.dims() else {
        bail!("{NAME}: input has shape {:?}, (n, inputs) is needed", input.dims());
    };
    check(NAME, input, weight)?;
    let bias = &bias_or_zeros(NAME, bias, weight)?;
    let outputs = weight.dims()[0];
    let fits =
        outputs > 0 && rows >= 2 && [gamma, beta].iter().all(|tensor| tensor.dims() == [outputs]);
    if !has_kernels(input.device()) || !fits {
        // One after another; where something does not fit, that op tells what.
        return batch_norm(&linear_relu(input, weight, Some(bias))?, gamma, beta, epsilon);
    }
    // An op takes three tensors: the small ones go in as one, and come apart in the gradient.
    let small = concatenate([bias, gamma, beta])?;
    let statistics = Arc::new(OnceLock::new());
    let op =
        LinearReluBatchNorm { epsilon, kept: OnceLock::new(), statistics: Arc::clone(&statistics) };
    let result = apply(op, [&input.contiguous()?, &weight.contiguous()?, &small])?;
    let Some(statistics) = statistics.get().cloned() else {
        bail!("{NAME}: there was no forward pass");
    };
    Ok((result, statistics))
}

/// Input, weight, and bias, γ and β in one vector → the normalised result.
struct LinearReluBatchNorm {
    epsilon: f64,
    /// What the backward pass needs.
    kept: OnceLock<Kept>,
    /// Read by the caller after the forward pass.
    statistics: Arc<OnceLock<BatchStatistics>>,
}

struct Kept {
    /// After ReLU.
    activations: CpuStorage,
    /// In f64 so that one type serves both dtypes.
    normaliser: Normaliser<f64>,
}

impl Op<3> for LinearReluBatchNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward<T: Element>(
        &self,
        [input, weight, small]: [Argument<'_, T>; 3],
    ) -> Result<(Vec<T>, Shape)> {
        let (rows, outputs) = (input.dims[0], weight.dims[0]);
        let (bias, rest) = small.values.split_at(outputs);
        let (gamma, beta) = rest.split_at(outputs);
        let mut activations = weighted(input.matrix(), weight.matrix());
        let (mean, variance) = rectified_moments(&mut activations, bias);
        let normaliser = Normaliser::new(&mean, &variance, self.epsilon);
        let result = forward(&activations, (gamma, beta), &normaliser, false);
        let on_cpu = |values| Tensor::from_vec(values, outputs, &Device::Cpu);
        let (mean, variance) = (on_cpu(mean)?, on_cpu(variance)?);
        self.statistics.get_or_init(|| BatchStatistics { mean, variance, count: rows });
        let activations = T::to_cpu_storage_owned(activations);
        self.kept.get_or_init(|| Kept { activations, normaliser: normaliser.to_f64() });
        Ok((result, (rows, outputs).into()))
    }

    fn backward<T: Element>(
        &self,
        [input, weight, small]: [Argument<'_, T>; 3],
        [of_input, ..]: [bool; 3],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 3]> {
        let kept = kept(NAME, &self.kept)?;
        let activations = kept.activations.as_slice::<T>()?;
        let outputs = weight.dims[0];
        let gamma = &small.values[outputs..2 * outputs];
        let normaliser = kept.normaliser.to::<T>();
        let sums =
            gradient_sums(activations, &normaliser, ThroughRelu { rectified: None, gradient });
        let through = InputGradient::new((gamma, &normaliser, false), &sums, activations.len());
        let (gradient, of_bias) = rectified_gradient(&through, activations, gradient, outputs);
        let (of_input, of_weight) = gradients_through(input, weight, &gradient, of_input);
        Ok([of_input, Some(of_weight), Some([of_bias, sums.0, sums.1].concat())])
    }
}
