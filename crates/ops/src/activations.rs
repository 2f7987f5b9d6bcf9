//! Activation functions other than ReLU.

use std::f64::consts::FRAC_1_SQRT_2;

use candle_core::{Result, Shape, Tensor};

use crate::element::{Element, composed};
use crate::kernels::activations::{
    Elu, Function, Gelu, GeluTanh, HardSigmoid, HardSwish, LeakyRelu, Relu6, Sigmoid, Silu, Tanh,
    gradients_of, values_of,
};
use crate::layout::as_they_lie;
use crate::op::{Argument, Op, apply};

/// The hyperbolic tangent, as
/// [`torch.tanh`](https://docs.pytorch.org/docs/stable/generated/torch.tanh.html).
///
/// ```
/// use candle_core::{Device, Var};
///
/// # fn main() -> candle_core::Result<()> {
/// let values = Var::new(&[-20f32, 0.0, 20.0], &Device::Cpu)?;
/// let result = values.apply(&pairnet_ops::tanh)?;
/// assert_eq!(result.to_vec1::<f32>()?, [-1.0, 0.0, 1.0]);
/// let gradients = result.sum_all()?.backward()?;
/// assert_eq!(gradients.get(&values).unwrap().to_vec1::<f32>()?, [0.0, 1.0, 0.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the dtype is neither F32 nor F64.
pub fn tanh(input: &Tensor) -> Result<Tensor> {
    activated("tanh", Tanh, input, Tensor::tanh)
}

/// 1 / (1 + exp(−x)), as
/// [`torch.sigmoid`](https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html).
///
/// # Errors
///
/// As [`tanh`].
pub fn sigmoid(input: &Tensor) -> Result<Tensor> {
    activated("sigmoid", Sigmoid, input, candle_nn::ops::sigmoid)
}

/// x · sigmoid(x), also called swish (Ramachandran, Zoph and Le, 2017), as
/// [`torch.nn.functional.silu`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.silu.html).
///
/// # Errors
///
/// As [`tanh`].
pub fn silu(input: &Tensor) -> Result<Tensor> {
    activated("silu", Silu, input, Tensor::silu)
}

/// x times the probability that a normal variable is below x (Hendrycks and Gimpel, 2016), as
/// [`torch.nn.functional.gelu`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html); candle's
/// `gelu_erf`. In F32 to within 1e-6, or that part of the value where it is above 1.
///
/// # Errors
///
/// As [`tanh`].
pub fn gelu(input: &Tensor) -> Result<Tensor> {
    activated("gelu", Gelu, input, |input| {
        // The gradient of candle's gelu_erf has six digits.
        let below = input.affine(FRAC_1_SQRT_2, 0.0)?.erf()?.affine(0.5, 0.5)?;
        input * below
    })
}

/// [`gelu`] by its approximation 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))): PyTorch's `approximate='tanh'`, candle's
/// `gelu`.
///
/// # Errors
///
/// As [`tanh`].
pub fn gelu_tanh(input: &Tensor) -> Result<Tensor> {
    activated("gelu_tanh", GeluTanh, input, |input| {
        // As with candle's gelu.
        let inner = (input * input.sqr()?.affine(GeluTanh::CUBIC, GeluTanh::LINEAR)?)?;
        input * candle_nn::ops::sigmoid(&inner)?
    })
}

/// x above 0 and `alpha`·(exp(x) − 1) elsewhere (Clevert, Unterthiner and Hochreiter, 2015), as
/// [`torch.nn.functional.elu`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.elu.html).
///
/// # Errors
///
/// As [`tanh`].
pub fn elu(input: &Tensor, alpha: f64) -> Result<Tensor> {
    activated("elu", Elu(alpha), input, |input| {
        // The gradient of candle's elu is NaN where exp(x) is infinite.
        let zeros = input.zeros_like()?;
        let above = input.gt(&zeros)?;
        let below = above.where_cond(&zeros, input)?.exp()?.affine(alpha, -alpha)?;
        above.where_cond(input, &below)
    })
}

/// x above 0 and `negative_slope`·x elsewhere (Maas, Hannun and Ng, 2013), as
/// [`torch.nn.functional.leaky_relu`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html).
/// The gradient at 0 is the slope, and with candle's own op the mean of both sides'.
///
/// # Errors
///
/// As [`tanh`].
pub fn leaky_relu(input: &Tensor, negative_slope: f64) -> Result<Tensor> {
    activated("leaky_relu", LeakyRelu(negative_slope), input, |input| {
        let below = input.affine(negative_slope, 0.0)?;
        input.gt(&input.zeros_like()?)?.where_cond(input, &below)
    })
}

/// x between 0 and 6, or the nearer of both (Howard et al., 2017), as
/// [`torch.nn.functional.relu6`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu6.html). The
/// gradient at both ends is 0.
///
/// # Errors
///
/// As [`tanh`].
pub fn relu6(input: &Tensor) -> Result<Tensor> {
    activated("relu6", Relu6, input, |input| clipped(input, 6.0))
}

/// x / 6 + 1/2 between 0 and 1, or the nearer of both, as
/// [`torch.nn.functional.hardsigmoid`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html).
/// The gradient at both ends is 0.
///
/// # Errors
///
/// As [`tanh`].
pub fn hard_sigmoid(input: &Tensor) -> Result<Tensor> {
    activated("hard_sigmoid", HardSigmoid, input, |input| {
        clipped(&input.affine(1.0, 3.0)?, 6.0)?.affine(1.0 / 6.0, 0.0)
    })
}

/// x times its [`hard_sigmoid`] (Howard et al., 2019), as
/// [`torch.nn.functional.hardswish`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html).
///
/// # Errors
///
/// As [`tanh`].
pub fn hard_swish(input: &Tensor) -> Result<Tensor> {
    activated("hard_swish", HardSwish, input, |input| {
        input * clipped(&input.affine(1.0, 3.0)?, 6.0)?.affine(1.0 / 6.0, 0.0)?
    })
}

/// Values between 0 and so much of candle's own ops; the others have no gradient.
fn clipped(input: &Tensor, most: f64) -> Result<Tensor> {
    let between = (input.gt(0.0)? * input.lt(most)?)?;
    between.where_cond(input, &input.clamp(0.0, most)?.detach())
}

/// Any function of each value for itself, of candle's own ops, on the values as they lie: between layers of images
/// candle's ops would copy them, forward and back, and take them one by one.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_ops::elementwise;
///
/// # fn main() -> candle_core::Result<()> {
/// let images = Tensor::ones((8, 3, 28, 28), DType::F32, &Device::Cpu)?;
/// let squares = elementwise(&images, Tensor::sqr)?;
/// assert_eq!(squares.dims(), [8, 3, 28, 28]);
/// # Ok(())
/// # }
/// ```
///
/// The function gets a tensor with the dimensions in another order. One that looks at them, such as a softmax, is none
/// of each value for itself.
///
/// # Errors
///
/// Those of the function, and where it changes the number of dimensions.
pub fn elementwise(
    input: &Tensor,
    function: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    as_they_lie([input], |[input]| function(input))
}

fn activated<F: Function>(
    name: &'static str,
    function: F,
    input: &Tensor,
    composition: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if composed(name, input)? {
        return composition(input);
    }
    as_they_lie([input], |input| apply(Activation { name, function }, input))
}

struct Activation<F> {
    name: &'static str,
    function: F,
}

impl<F: Function> Op<1> for Activation<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward<T: Element>(&self, [input]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        Ok((values_of(self.function, input.values), input.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        [input]: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        Ok([Some(gradients_of(self.function, [input.values, result, gradient]))])
    }
}
