//! Each op against PyTorch's values in f64; the `README.md` of `golden`, here and in
//! `crates/training/tests`, tells how they were made.

mod support;

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Tensor, Var};
use pairnet_ops::{
    Adam, AdamSettings, Conv2dConfig, Optimizer, RunningStatistics, StatefulOptimizer, batch_norm,
    batch_norm_evaluation, binary_cross_entropy_with_logits, conv2d, cross_entropy, log_softmax,
    max_pool2d, mean_squared_error, nll, softmax,
};
use support::{assert_close, device};

const TOLERANCE: f64 = 1e-9;

struct Golden(HashMap<String, Tensor>);

impl Golden {
    fn load() -> Self {
        Self::of("../training/tests/golden/ops.safetensors")
    }

    fn of(file: &str) -> Self {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
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
    for operation in ["batch_norm", "batch_norm_images"] {
        check_batch_norm(&Golden::load(), operation, 1e-5);
    }
    for operation in ["batch_norm_2", "batch_norm_3", "batch_norm_4", "batch_norm_5"] {
        check_batch_norm(&Golden::of("tests/golden/batch_norms.safetensors"), operation, 1e-3);
    }
}

fn check_batch_norm(golden: &Golden, operation: &str, epsilon: f64) {
    let named = |name: &str| format!("{operation}.{name}");
    let [input, gamma, beta] =
        ["input", "weight", "bias"].map(|name| golden.variable(&named(name)));
    let (output, statistics) = batch_norm(&input, &gamma, &beta, epsilon).unwrap();
    let inputs = [("input", &input), ("weight", &gamma), ("bias", &beta)];
    golden.check_op(operation, &output, &inputs);
    let mut running = RunningStatistics {
        mean: golden.get(&named("running_mean_before")).clone(),
        variance: golden.get(&named("running_var_before")).clone(),
    };
    running.update(&statistics, 0.1).unwrap();
    golden.check(&named("running_mean"), &running.mean);
    golden.check(&named("running_var"), &running.variance);
    let evaluated = batch_norm_evaluation(&input, &gamma, &beta, epsilon, &running).unwrap();
    golden.check(&named("eval_output"), &evaluated);
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
    let loss =
        binary_cross_entropy_with_logits(&input, golden.get("bce_with_logits.target")).unwrap();
    golden.check_op("bce_with_logits", &loss, &[("input", &input)]);
    let input = golden.variable("mse_sigmoid.input");
    let probabilities = candle_nn::ops::sigmoid(&input).unwrap();
    let loss = mean_squared_error(&probabilities, golden.get("mse_sigmoid.target")).unwrap();
    golden.check_op("mse_sigmoid", &loss, &[("input", &input)]);
}

#[test]
fn softmax_and_losses_of_every_rank() {
    let golden = Golden::of("tests/golden/losses.safetensors");
    for rank in 0..5 {
        for operation in ["bce", "mse", "softmax", "log_softmax"] {
            let name = format!("{operation}_{rank}");
            let pairs = ["bce", "mse"].contains(&operation);
            if rank == 0 && !pairs {
                continue;
            }
            let input = golden.variable(&format!("{name}.input"));
            let output = if pairs {
                let target = golden.variable(&format!("{name}.target"));
                let loss = match operation {
                    "bce" => binary_cross_entropy_with_logits,
                    _ => mean_squared_error,
                };
                let output = loss(&input, &target).unwrap();
                golden.check_op(&name, &output, &[("target", &target)]);
                output
            } else {
                let over_classes = if operation == "softmax" { softmax } else { log_softmax };
                over_classes(&input).unwrap()
            };
            golden.check_op(&name, &output, &[("input", &input)]);
        }
    }
}

#[test]
fn losses_of_classes_of_every_dtype() {
    let golden = Golden::of("tests/golden/losses.safetensors");
    let input = golden.variable("log_softmax.input");
    golden.check_op("log_softmax", &log_softmax(&input).unwrap(), &[("input", &input)]);
    for dtype in [DType::U8, DType::U32, DType::I64] {
        for (operation, loss) in [("nll", nll as fn(&_, &_) -> _), ("cross_entropy", cross_entropy)]
        {
            let input = golden.variable(&format!("{operation}.input"));
            let target = golden.get(&format!("{operation}.target")).to_dtype(dtype).unwrap();
            golden.check_op(operation, &loss(&input, &target).unwrap(), &[("input", &input)]);
        }
    }
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
