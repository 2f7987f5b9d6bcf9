//! Fully connected layers, alone or with ReLU.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, relu, slice, values, with_float};
use crate::kernels::matmul::{Matrix, matmul};
use crate::reference;

/// x · weightᵀ + bias.
///
/// `input` (n, inputs), `weight` (outputs, inputs), `bias` (outputs) → (n, outputs). As
/// [`torch.nn.functional.linear`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html).
///
/// # Errors
///
/// Where the shapes do not fit each other, or the dtype is neither F32 nor F64.
pub fn linear(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    connect(input, weight, bias, false)
}

/// [`linear`] and ReLU in one pass.
///
/// # Errors
///
/// As [`linear`].
pub fn linear_relu(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    connect(input, weight, bias, true)
}

fn connect(input: &Tensor, weight: &Tensor, bias: &Tensor, relu: bool) -> Result<Tensor> {
    let (_, inputs) = input.dims2()?;
    let (outputs, weight_inputs) = weight.dims2()?;
    if weight_inputs != inputs {
        bail!(
            "linear: input has {inputs} columns, the weight {:?} takes {weight_inputs}",
            weight.shape()
        );
    }
    if bias.dims() != [outputs] {
        bail!("linear: bias has shape {:?}, {outputs} outputs need ({outputs},)", bias.shape());
    }
    if !input.device().is_cpu() {
        let result = reference::linear(input, weight, bias)?;
        return if relu { reference::relu(&result) } else { Ok(result) };
    }
    input.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, Linear { relu })
}

struct Linear {
    relu: bool,
}

impl Linear {
    fn compute<T: Element>(
        &self,
        (input, input_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        (bias, bias_layout): (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = input_layout.shape().dims2()?;
        let outputs = bias_layout.dims()[0];
        let bias: &[T] = slice(bias, bias_layout)?;
        let mut result = bias.repeat(rows);
        let input = Matrix::new(slice(input, input_layout)?, rows, inputs);
        let weight = Matrix::new(slice(weight, weight_layout)?, outputs, inputs);
        matmul(&mut result, input, weight.transposed(), true);
        if self.relu {
            result.iter_mut().for_each(|value| *value = relu(*value));
        }
        Ok((T::to_cpu_storage_owned(result), (rows, outputs).into()))
    }

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        weight: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = input.dims2()?;
        let outputs = weight.dims()[0];
        let result_gradient = result_gradient.contiguous()?;
        let (input_values, weight_values) =
            (input.storage_and_layout(), weight.storage_and_layout());
        let (result_values, gradient_values) =
            (result.storage_and_layout(), result_gradient.storage_and_layout());
        let gradient: &[T] = values(&gradient_values)?;
        let masked: Vec<T>;
        let gradient = if self.relu {
            let result: &[T] = values(&result_values)?;
            // A NaN is not at most zero: its gradient passes, as in PyTorch.
            let mask = |(&gradient, &value)| if value <= T::ZERO { T::ZERO } else { gradient };
            masked = gradient.iter().zip(result).map(mask).collect();
            &masked
        } else {
            gradient
        };

        let mut bias_gradient = vec![T::ZERO; outputs];
        for row in gradient.chunks_exact(outputs.max(1)) {
            for (sum, &term) in bias_gradient.iter_mut().zip(row) {
                *sum += term;
            }
        }
        let gradient = Matrix::new(gradient, rows, outputs);
        let mut weight_gradient = vec![T::ZERO; outputs * inputs];
        let input_matrix = Matrix::new(values(&input_values)?, rows, inputs);
        matmul(&mut weight_gradient, gradient.transposed(), input_matrix, false);
        let input_gradient = if input.track_op() {
            let mut input_gradient = vec![T::ZERO; rows * inputs];
            let weight_matrix = Matrix::new(values(&weight_values)?, outputs, inputs);
            matmul(&mut input_gradient, gradient, weight_matrix, false);
            Some(element::tensor(input_gradient, (rows, inputs), input)?)
        } else {
            None
        };
        Ok((
            input_gradient,
            Some(element::tensor(weight_gradient, (outputs, inputs), input)?),
            Some(element::tensor(bias_gradient, outputs, input)?),
        ))
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), input.dtype(), T => self.compute::<T>(
            (input, input_layout),
            (weight, weight_layout),
            (bias, bias_layout),
        ))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), input.dtype(), T => {
            self.gradients::<T>(input, weight, result, result_gradient)
        })
    }
}
