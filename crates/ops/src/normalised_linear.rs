//! A fully connected layer, ReLU and batch norm as one op.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::batch_norm::batch_norm;
use crate::element::{self, Element, has_kernels, slice, values, with_float};
use crate::kernels::batch_norm::{
    InputGradient, Normaliser, forward, gradient_sums, rectified_gradient,
};
use crate::kernels::matmul::{Matrix, product};
use crate::kernels::moments::rectified_moments;
use crate::layout::bias_or_zeros;
use crate::linear::{check, gradients_through, linear_relu};
use crate::statistics::BatchStatistics;
use crate::tape::{apply3, concatenate};

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
    let small = concatenate(&[bias, gamma, beta])?;
    let statistics = Arc::new(OnceLock::new());
    let operation =
        Operation { epsilon, kept: OnceLock::new(), statistics: Arc::clone(&statistics) };
    let result = apply3(&input.contiguous()?, &weight.contiguous()?, &small, operation)?;
    let Some(statistics) = statistics.get().cloned() else {
        bail!("{NAME}: there was no forward pass");
    };
    Ok((result, statistics))
}

/// Input, weight, and bias, γ and β in one vector → the normalised result.
struct Operation {
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

impl Operation {
    fn compute<T: Element>(
        &self,
        (input, input_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        small: &[T],
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = input_layout.shape().dims2()?;
        let outputs = small.len() / 3;
        let (bias, rest) = small.split_at(outputs);
        let (gamma, beta) = rest.split_at(outputs);
        let input = Matrix::new(slice(input, input_layout)?, rows, inputs);
        let weight = Matrix::new(slice(weight, weight_layout)?, outputs, inputs);
        let mut activations = product(input, weight.transposed());
        let (mean, variance) = rectified_moments(&mut activations, bias);
        let normaliser = Normaliser::new(&mean, &variance, self.epsilon);
        let result = forward(&activations, gamma, beta, &normaliser);
        let on_cpu = |values| Tensor::from_vec(values, outputs, &candle_core::Device::Cpu);
        let (mean, variance) = (on_cpu(mean)?, on_cpu(variance)?);
        self.statistics.get_or_init(|| BatchStatistics { mean, variance, count: rows });
        let activations = T::to_cpu_storage_owned(activations);
        self.kept.get_or_init(|| Kept { activations, normaliser: normaliser.to_f64() });
        Ok((T::to_cpu_storage_owned(result), (rows, outputs).into()))
    }

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        weight: &Tensor,
        small: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.get() else {
            bail!("{NAME}: there was no forward pass");
        };
        let activations = kept.activations.as_slice::<T>()?;
        let outputs = weight.dims()[0];
        let small_values = small.storage_and_layout();
        let gamma = &values::<T, _>(&small_values)?[outputs..2 * outputs];
        let result_gradient = result_gradient.contiguous()?;
        let result_gradient = result_gradient.storage_and_layout();
        let result_gradient: &[T] = values(&result_gradient)?;

        let normaliser = kept.normaliser.to::<T>();
        let sums = gradient_sums(activations, &normaliser, result_gradient);
        let through = InputGradient::new((gamma, &normaliser, false), &sums, activations.len());
        let (gradient, bias_gradient) =
            rectified_gradient(&through, activations, result_gradient, outputs);
        let (input_gradient, weight_gradient) = gradients_through(input, weight, &gradient)?;
        let small_gradient = [bias_gradient, sums.0, sums.1].concat();
        let small_gradient = element::tensor(small_gradient, small.shape(), input)?;
        Ok((input_gradient, Some(weight_gradient), Some(small_gradient)))
    }
}

impl CustomOp3 for Operation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        small: &CpuStorage,
        small_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), input.dtype(), T => self.compute::<T>(
            (input, input_layout),
            (weight, weight_layout),
            slice(small, small_layout)?,
        ))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        small: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), input.dtype(), T => {
            self.gradients::<T>(input, weight, small, result_gradient)
        })
    }
}
