//! Fully connected layers, alone or with ReLU.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, slice, unless_cut, values, with_float};
use crate::kernels::columns::{add_bias, column_sums};
use crate::kernels::matmul::{Matrix, product};
use crate::layout::bias_or_zeros;
use crate::reference;
use crate::tape::apply3;
use crate::threads::side_by_side;

/// x · weightᵀ + bias.
///
/// `input` (…, inputs), `weight` (outputs, inputs), `bias` (outputs) or none → (…, outputs). As
/// [`torch.nn.functional.linear`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html).
///
/// # Errors
///
/// Where the shapes do not fit each other, or the dtype is neither F32 nor F64.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    connect("linear", (input, weight, bias), false)
}

/// [`linear`] and ReLU in one pass.
///
/// # Errors
///
/// As [`linear`].
pub fn linear_relu(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    connect("linear_relu", (input, weight, bias), true)
}

fn connect(
    operation: &'static str,
    (input, weight, bias): (&Tensor, &Tensor, Option<&Tensor>),
    relu: bool,
) -> Result<Tensor> {
    check(operation, input, weight)?;
    let bias = &bias_or_zeros(operation, bias, weight)?;
    if composed(operation, input)? {
        let result = reference::linear(input, weight, Some(bias))?;
        return if relu { reference::relu(&result) } else { Ok(result) };
    }
    apply3(&input.contiguous()?, &weight.contiguous()?, bias, Linear { operation, relu })
}

/// Sees to it that input and weight fit each other.
pub(crate) fn check(operation: &str, input: &Tensor, weight: &Tensor) -> Result<()> {
    let Some(&inputs) = input.dims().last() else {
        bail!("{operation}: input has shape [], (…, inputs) is needed");
    };
    match weight.dims() {
        &[_, taken] if taken == inputs => Ok(()),
        &[_, taken] => bail!(
            "{operation}: input has {inputs} columns, the weight {:?} takes {taken}",
            weight.shape()
        ),
        other => bail!("{operation}: weight has shape {other:?}, (outputs, inputs) is needed"),
    }
}

/// How many rows (…, inputs) has.
fn rows(dims: &[usize]) -> usize {
    dims.iter().rev().skip(1).product()
}

struct Linear {
    /// The name that the caller knows.
    operation: &'static str,
    relu: bool,
}

impl Linear {
    fn compute<T: Element>(
        &self,
        (input, input_layout): (&CpuStorage, &Layout),
        (weight, weight_layout): (&CpuStorage, &Layout),
        (bias, bias_layout): (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, (outputs, inputs)) = (rows(input_layout.dims()), weight_layout.shape().dims2()?);
        let input = Matrix::new(slice(input, input_layout)?, rows, inputs);
        let weight = Matrix::new(slice(weight, weight_layout)?, outputs, inputs);
        let mut result = product(input, weight.transposed());
        add_bias(&mut result, slice(bias, bias_layout)?, self.relu);
        let mut shape = input_layout.dims().to_vec();
        shape.pop();
        shape.push(outputs);
        Ok((T::to_cpu_storage_owned(result), shape.into()))
    }

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
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

        let bias_gradient = if bias.track_op() {
            Some(element::tensor(column_sums(gradient, outputs), outputs, input)?)
        } else {
            None
        };
        let (input_gradient, weight_gradient) = gradients_through(input, weight, gradient)?;
        Ok((input_gradient, Some(weight_gradient), bias_gradient))
    }
}

/// The gradients of input (where it is wanted) and weight, given that of x · weightᵀ + bias.
pub(crate) fn gradients_through<T: Element>(
    input: &Tensor,
    weight: &Tensor,
    gradient: &[T],
) -> Result<(Option<Tensor>, Tensor)> {
    let (rows, (outputs, inputs)) = (rows(input.dims()), weight.dims2()?);
    let (input_values, weight_values) = (input.storage_and_layout(), weight.storage_and_layout());
    let gradient = Matrix::new(gradient, rows, outputs);
    let input_matrix = Matrix::new(values(&input_values)?, rows, inputs);
    let weight_matrix = Matrix::new(values(&weight_values)?, outputs, inputs);
    let weight_gradient = || product(gradient.transposed(), input_matrix);
    let (weight_gradient, input_gradient) = if input.track_op() {
        let (input_gradient, weight_gradient) =
            side_by_side(|| product(gradient, weight_matrix), weight_gradient);
        let input_gradient = element::tensor(input_gradient, input.shape(), input)?;
        (weight_gradient, Some(input_gradient))
    } else {
        (weight_gradient(), None)
    };
    let weight_gradient = element::tensor(weight_gradient, (outputs, inputs), input)?;
    Ok((input_gradient, weight_gradient))
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        self.operation
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
        bias: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), input.dtype(), T => {
            self.gradients::<T>(input, weight, bias, result, result_gradient)
        })
    }
}
