//! Fully connected layers, alone or with ReLU.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, slice, unless_cut, values, with_float};
use crate::kernels::columns::{add_bias, column_sums};
use crate::kernels::matmul::{Matrix, product};
use crate::reference;
use crate::tape::apply3;
use crate::threads::side_by_side;

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
    if composed("linear", input)? {
        let result = reference::linear(input, weight, bias)?;
        return if relu { reference::relu(&result) } else { Ok(result) };
    }
    apply3(&input.contiguous()?, &weight.contiguous()?, &bias.contiguous()?, Linear { relu })
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
        let input = Matrix::new(slice(input, input_layout)?, rows, inputs);
        let weight = Matrix::new(slice(weight, weight_layout)?, outputs, inputs);
        let mut result = product(input, weight.transposed());
        add_bias(&mut result, slice(bias, bias_layout)?, self.relu);
        Ok((T::to_cpu_storage_owned(result), (rows, outputs).into()))
    }

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        weight: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let outputs = weight.dims()[0];
        let result_gradient = result_gradient.contiguous()?;
        let (result_values, gradient_values) =
            (result.storage_and_layout(), result_gradient.storage_and_layout());
        let gradient: &[T] = values(&gradient_values)?;
        let masked: Vec<T>;
        let gradient = if self.relu {
            let result: &[T] = values(&result_values)?;
            let pairs = gradient.iter().zip(result);
            masked = pairs.map(|(&gradient, &value)| unless_cut(value, gradient)).collect();
            &masked
        } else {
            gradient
        };

        let bias_gradient = element::tensor(column_sums(gradient, outputs), outputs, input)?;
        let (input_gradient, weight_gradient) = gradients_through(input, weight, gradient)?;
        Ok((input_gradient, Some(weight_gradient), Some(bias_gradient)))
    }
}

/// The gradients of input (where it is wanted) and weight, given that of x · weightᵀ + bias.
pub(crate) fn gradients_through<T: Element>(
    input: &Tensor,
    weight: &Tensor,
    gradient: &[T],
) -> Result<(Option<Tensor>, Tensor)> {
    let (rows, inputs) = input.dims2()?;
    let outputs = weight.dims()[0];
    let (input_values, weight_values) = (input.storage_and_layout(), weight.storage_and_layout());
    let gradient = Matrix::new(gradient, rows, outputs);
    let input_matrix = Matrix::new(values(&input_values)?, rows, inputs);
    let weight_matrix = Matrix::new(values(&weight_values)?, outputs, inputs);
    let weight_gradient = || product(gradient.transposed(), input_matrix);
    let (weight_gradient, input_gradient) = if input.track_op() {
        let (input_gradient, weight_gradient) =
            side_by_side(|| product(gradient, weight_matrix), weight_gradient);
        let input_gradient = element::tensor(input_gradient, (rows, inputs), input)?;
        (weight_gradient, Some(input_gradient))
    } else {
        (weight_gradient(), None)
    };
    let weight_gradient = element::tensor(weight_gradient, (outputs, inputs), input)?;
    Ok((input_gradient, weight_gradient))
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
