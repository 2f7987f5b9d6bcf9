//! Activation functions as layers.

use candle_core::{Module, Result, Tensor};

pub use candle_nn::activation::*;

use crate::{
    elementwise, elu, gelu, gelu_tanh, hard_sigmoid, hard_swish, leaky_relu, relu, relu6, sigmoid,
    silu,
};

/// [`candle_nn::Activation`], by the functions of this crate where it has one, else by candle's ops on the values as
/// they lie. Where two pieces of a function meet, the gradients are PyTorch's. One of candle-nn's, which can be read from a
/// file, becomes one of these by `into()`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pairnet_ops::nn::{Activation, Module};
///
/// # fn main() -> candle_core::Result<()> {
/// let values = Tensor::new(&[-1f32, 2.0], &Device::Cpu)?;
/// assert_eq!(Activation::LeakyRelu(0.5).forward(&values)?.to_vec1::<f32>()?, [-0.5, 2.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// [`gelu`].
    #[default]
    Gelu,
    /// [`gelu_tanh`].
    NewGelu,
    /// [`relu`].
    Relu,
    /// relu(x)².
    Relu2,
    /// [`relu6`].
    Relu6,
    /// [`silu`].
    Silu,
    /// [`sigmoid`].
    Sigmoid,
    /// [`hard_sigmoid`].
    HardSigmoid,
    /// Of the last dimension's first half [`silu`], times the second half.
    Swiglu,
    /// [`silu`] by its other name.
    Swish,
    /// x · tanh(ln(1 + exp(x))).
    Mish,
    /// [`hard_swish`].
    HardSwish,
    /// [`elu`] with this α.
    Elu(f64),
    /// [`leaky_relu`] with this slope.
    LeakyRelu(f64),
    /// [`gelu_tanh`] by its other name.
    GeluPytorchTanh,
}

impl From<candle_nn::Activation> for Activation {
    fn from(activation: candle_nn::Activation) -> Self {
        use candle_nn::Activation as Theirs;
        match activation {
            Theirs::Gelu => Self::Gelu,
            Theirs::NewGelu => Self::NewGelu,
            Theirs::Relu => Self::Relu,
            Theirs::Relu2 => Self::Relu2,
            Theirs::Relu6 => Self::Relu6,
            Theirs::Silu => Self::Silu,
            Theirs::Sigmoid => Self::Sigmoid,
            Theirs::HardSigmoid => Self::HardSigmoid,
            Theirs::Swiglu => Self::Swiglu,
            Theirs::Swish => Self::Swish,
            Theirs::Mish => Self::Mish,
            Theirs::HardSwish => Self::HardSwish,
            Theirs::Elu(alpha) => Self::Elu(alpha),
            Theirs::LeakyRelu(slope) => Self::LeakyRelu(slope),
            Theirs::GeluPytorchTanh => Self::GeluPytorchTanh,
        }
    }
}

impl Module for Activation {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        match *self {
            Self::Gelu => gelu(values),
            Self::NewGelu | Self::GeluPytorchTanh => gelu_tanh(values),
            Self::Relu => relu(values),
            Self::Relu2 => elementwise(&relu(values)?, Tensor::sqr),
            Self::Relu6 => relu6(values),
            Self::Silu | Self::Swish => silu(values),
            Self::Sigmoid => sigmoid(values),
            Self::HardSigmoid => hard_sigmoid(values),
            Self::Swiglu => candle_nn::ops::swiglu(values),
            Self::Mish => elementwise(values, candle_nn::ops::mish),
            Self::HardSwish => hard_swish(values),
            Self::Elu(alpha) => elu(values, alpha),
            Self::LeakyRelu(slope) => leaky_relu(values, slope),
        }
    }
}
