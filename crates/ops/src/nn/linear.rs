//! The fully connected layer.

use candle_core::{Module, Result, Tensor};
use candle_nn::VarBuilder;

/// [`candle_nn::Linear`] by [`crate::linear()`]: (…, inputs) → (…, outputs).
#[derive(Clone, Debug)]
pub struct Linear(candle_nn::Linear);

impl Linear {
    /// `weight` (outputs, inputs) and `bias` (outputs).
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self(candle_nn::Linear::new(weight, bias))
    }

    /// (outputs, inputs).
    pub fn weight(&self) -> &Tensor {
        self.0.weight()
    }

    /// (outputs).
    pub fn bias(&self) -> Option<&Tensor> {
        self.0.bias()
    }
}

impl Module for Linear {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        crate::linear(input, self.weight(), self.bias())
    }
}

/// As [`candle_nn::linear()`]: variables `weight` and `bias`, and their initial values.
///
/// # Errors
///
/// As there.
pub fn linear(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    candle_nn::linear(inputs, outputs, vb).map(Linear)
}

/// [`linear`] without a bias.
///
/// # Errors
///
/// As [`linear`].
pub fn linear_no_bias(inputs: usize, outputs: usize, vb: VarBuilder) -> Result<Linear> {
    candle_nn::linear_no_bias(inputs, outputs, vb).map(Linear)
}

/// [`linear`], with a bias or without one.
///
/// # Errors
///
/// As [`linear`].
pub fn linear_b(inputs: usize, outputs: usize, bias: bool, vb: VarBuilder) -> Result<Linear> {
    candle_nn::linear_b(inputs, outputs, bias, vb).map(Linear)
}
