//! Each op against PyTorch's values in f64; `crates/training/tests/golden/README.md` tells how they
//! were made.

mod support;

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Tensor, Var};
use pairnet_ops::{
    Adam, AdamSettings, Conv2dConfig, RunningStatistics, batch_norm, batch_norm_evaluation,
    binary_cross_entropy, conv2d, cross_entropy, max_pool2d, mean_squared_error,
};
use support::{assert_close, device};

const TOLERANCE: f64 = 1e-9;

struct Golden(HashMap<String, Tensor>);

impl Golden {
    fn load() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../training/tests/golden/ops.safetensors");
        Self(candle_core::safetensors::load(file, device()).unwrap())
    }

    fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("the golden file has no '{name}'"))
    }

    fn variable(&self, name: &str) -> Var {
        Var::from_tensor(self.get(name)).unwrap()
    }

    fn check(&self, name: &str, found: &Tensor) {
        let expected = self.get(name);
        assert_close(name, &found.reshape(expected.shape()).unwrap(), expected, TOLERANCE);
    }

    /// Compares the output of `operation`, and the gradients of its inputs where the file gives
    /// that of the output, or where the output is a loss.
    fn check_op(&self, operation: &str, output: &Tensor, inputs: &[(&str, &Var)]) {
        self.check(&format!("{operation}.output"), output);
        let loss = match self.0.get(&format!("{operation}.output_gradient")) {
            Some(gradient) => (output * gradient).unwrap().sum_all().unwrap(),
            None => output.clone(),
        };
        let gradients = loss.backward().unwrap();
        for (name, variable) in inputs {
            let gradient = gradients.get(variable).unwrap();
            self.check(&format!("{operation}.{name}_gradient"), gradient);
        }
    }
}

#[test]
fn convolutions() {
    let golden = Golden::load();
    for (operation, padding) in [("conv2d", 1), ("conv2d_unpadded", 0)] {
        let [input, weight, bias] =
            ["input", "weight", "bias"].map(|name| golden.variable(&format!("{operation}.{name}")));
        let config = Conv2dConfig { padding, ..Default::default() };
        let output = conv2d(&input, &weight, Some(bias.as_tensor()), config).unwrap();
        let inputs = [("input", &input), ("weight", &weight), ("bias", &bias)];
        golden.check_op(operation, &output, &inputs);
    }
}

#[test]
fn pooling_with_ties() {
    let golden = Golden::load();
    for (operation, size) in [("max_pool2d", 2), ("max_pool2d_overlapping", 3)] {
        let input = golden.variable(&format!("{operation}.input"));
        golden.check_op(operation, &max_pool2d(&input, size, 2).unwrap(), &[("input", &input)]);
    }
}

#[test]
fn batch_norms() {
    let golden = Golden::load();
    for operation in ["batch_norm", "batch_norm_images"] {
        let named = |name: &str| format!("{operation}.{name}");
        let [input, gamma, beta] =
            ["input", "weight", "bias"].map(|name| golden.variable(&named(name)));
        let (output, statistics) = batch_norm(&input, &gamma, &beta, 1e-5).unwrap();
        let inputs = [("input", &input), ("weight", &gamma), ("bias", &beta)];
        golden.check_op(operation, &output, &inputs);
        let mut running = RunningStatistics {
            mean: golden.get(&named("running_mean_before")).clone(),
            variance: golden.get(&named("running_var_before")).clone(),
        };
        running.update(&statistics, 0.1).unwrap();
        golden.check(&named("running_mean"), &running.mean);
        golden.check(&named("running_var"), &running.variance);
        let evaluated = batch_norm_evaluation(&input, &gamma, &beta, 1e-5, &running).unwrap();
        golden.check(&named("eval_output"), &evaluated);
    }
}

#[test]
fn losses() {
    let golden = Golden::load();
    for operation in ["cross_entropy", "cross_entropy_softmax_twice"] {
        let input = golden.variable(&format!("{operation}.input"));
        let target = golden.get(&format!("{operation}.target")).to_dtype(DType::U32).unwrap();
        let scores = match operation {
            "cross_entropy" => input.as_tensor().clone(),
            _ => candle_nn::ops::softmax(&input, D::Minus1).unwrap(),
        };
        let loss = cross_entropy(&scores, &target).unwrap();
        golden.check_op(operation, &loss, &[("input", &input)]);
    }
    let input = golden.variable("bce_with_logits.input");
    let loss = binary_cross_entropy(&input, golden.get("bce_with_logits.target")).unwrap();
    golden.check_op("bce_with_logits", &loss, &[("input", &input)]);
    let input = golden.variable("mse_sigmoid.input");
    let probabilities = candle_nn::ops::sigmoid(&input).unwrap();
    let loss = mean_squared_error(&probabilities, golden.get("mse_sigmoid.target")).unwrap();
    golden.check_op("mse_sigmoid", &loss, &[("input", &input)]);
}

#[test]
fn adam_kept_and_made_anew() {
    let golden = Golden::load();
    for (operation, anew) in [("adam", false), ("adam_anew", true)] {
        let parameter = golden.variable("adam.parameter.0");
        let mut adam = Adam::new(vec![parameter.clone()], AdamSettings::pytorch(0.01)).unwrap();
        for step in 1..=3 {
            if anew {
                adam.reset().unwrap();
            }
            adam.step(&given(&parameter, golden.get(&format!("adam.gradient.{step}")))).unwrap();
            golden.check(&format!("{operation}.parameter.{step}"), &parameter);
            let (first, second) = adam.moments().next().unwrap();
            golden.check(&format!("{operation}.first_moment.{step}"), first);
            golden.check(&format!("{operation}.second_moment.{step}"), second);
        }
    }
}

/// A store that holds this gradient: that of Σ parameter · gradient.
fn given(parameter: &Var, gradient: &Tensor) -> GradStore {
    (parameter.as_tensor() * gradient).unwrap().sum_all().unwrap().backward().unwrap()
}
