//! Fully connected layers, alone or with ReLU.

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{Element, composed};
use crate::kernels::columns::{add_bias, column_sums};
use crate::kernels::elementwise::unrectified;
use crate::kernels::linear::{gradients, weighted};
use crate::kernels::matmul::Matrix;
use crate::layout::bias_or_zeros;
use crate::op::{Argument, Op, apply};
use crate::reference;

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
    let linear = Linear { name: operation, relu };
    apply(linear, [&input.contiguous()?, &weight.contiguous()?, bias])
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

/// Input, weight, bias → result.
struct Linear {
    name: &'static str,
    relu: bool,
}

impl Op<3> for Linear {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward<T: Element>(
        &self,
        [input, weight, bias]: [Argument<'_, T>; 3],
    ) -> Result<(Vec<T>, Shape)> {
        let mut result = weighted(input.matrix(), weight.matrix());
        add_bias(&mut result, bias.values, self.relu);
        let mut shape = input.dims.to_vec();
        shape.pop();
        shape.push(weight.dims[0]);
        Ok((result, shape.into()))
    }

    fn backward<T: Element>(
        &self,
        [input, weight, _]: [Argument<'_, T>; 3],
        [of_input, _, of_bias]: [bool; 3],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 3]> {
        let masked: Vec<T>;
        let gradient = if self.relu {
            masked = unrectified(result, gradient);
            &masked
        } else {
            gradient
        };
        let of_bias = of_bias.then(|| column_sums(gradient, weight.dims[0]));
        let (of_input, of_weight) = gradients_through(input, weight, gradient, of_input);
        Ok([of_input, Some(of_weight), of_bias])
    }
}

/// The gradients of input (where it is wanted) and weight, given that of x · weightᵀ + bias.
pub(crate) fn gradients_through<T: Element>(
    input: Argument<'_, T>,
    weight: Argument<'_, T>,
    gradient: &[T],
    of_input: bool,
) -> (Option<Vec<T>>, Vec<T>) {
    let (input, weight) = (input.matrix(), weight.matrix());
    let gradient = Matrix::new(gradient, input.rows(), weight.rows());
    gradients(input, weight, gradient, of_input)
}
