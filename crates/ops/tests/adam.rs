//! Adam against its formula, and its state saved, put back and cleared.

mod support;

use candle_core::{DType, Device, Result, Tensor, Var};
use pairnet_ops::{Adam, AdamSettings};
use support::{tensor, values, variable};

/// A loss whose gradient is `factor` · 2 · (x − target), which changes from step to step.
fn step(adam: &mut Adam, variable: &Var, target: &Tensor) -> Result<()> {
    adam.step(&(variable.as_tensor() - target)?.sqr()?.sum_all()?.backward()?)
}

fn adam(variable: &Var) -> Adam {
    Adam::new(vec![variable.clone()], AdamSettings::pytorch(0.01)).unwrap()
}

/// Kingma and Ba (2015), algorithm 1, one number at a time.
#[test]
fn steps_are_those_of_the_formula() {
    for dtype in [DType::F32, DType::F64] {
        let variable = variable(&[37], dtype, 1);
        let target = tensor(&[37], dtype, 2);
        let (mut expected, targets) = (values(&variable), values(&target));
        let (mut first, mut second) = ([0f64; 37], [0f64; 37]);
        let mut adam = adam(&variable);
        for time in 1..=5 {
            step(&mut adam, &variable, &target).unwrap();
            for index in 0..37 {
                let gradient = 2.0 * (expected[index] - targets[index]);
                first[index] = 0.9 * first[index] + 0.1 * gradient;
                second[index] = 0.999 * second[index] + 0.001 * gradient * gradient;
                let mean = first[index] / (1.0 - 0.9f64.powi(time));
                let square = second[index] / (1.0 - 0.999f64.powi(time));
                expected[index] -= 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        let tolerance = if dtype == DType::F64 { 1e-12 } else { 1e-5 };
        for (found, expected) in values(&variable).iter().zip(expected) {
            assert!((found - expected).abs() < tolerance, "{found}, {expected} was expected");
        }
    }
}

#[test]
fn a_reset_adam_is_a_new_one() {
    let (reset, new) = (variable(&[5], DType::F32, 1), variable(&[5], DType::F32, 1));
    let target = tensor(&[5], DType::F32, 2);
    let mut adam_reset = adam(&reset);
    for _ in 0..3 {
        adam_reset.reset().unwrap();
        step(&mut adam_reset, &reset, &target).unwrap();
        step(&mut adam(&new), &new, &target).unwrap();
    }
    assert_eq!(adam_reset.steps(), 1);
    assert_eq!(values(&reset), values(&new));
}

#[test]
fn a_restored_state_goes_on_as_if_nothing_had_been() {
    let (whole, cut) = (variable(&[5], DType::F32, 1), variable(&[5], DType::F32, 1));
    let target = tensor(&[5], DType::F32, 2);
    let (mut adam_whole, mut before) = (adam(&whole), adam(&cut));
    for _ in 0..2 {
        step(&mut adam_whole, &whole, &target).unwrap();
        step(&mut before, &cut, &target).unwrap();
    }
    let saved: Vec<_> = before.moments().map(|(a, b)| (a.clone(), b.clone())).collect();
    let mut after = adam(&cut);
    after.restore(before.steps(), saved.clone()).unwrap();
    let moment = values(&saved[0].0);
    for _ in 0..2 {
        step(&mut adam_whole, &whole, &target).unwrap();
        step(&mut after, &cut, &target).unwrap();
    }
    assert_eq!(values(&cut), values(&whole));
    assert_eq!(values(&saved[0].0), moment, "the saved state must not change with the training");
}

#[test]
fn a_variable_without_a_gradient_stays() {
    let (trained, idle) = (variable(&[3], DType::F32, 1), variable(&[3], DType::F32, 2));
    let before = values(&idle);
    let mut adam =
        Adam::new(vec![idle.clone(), trained.clone()], AdamSettings::pytorch(0.01)).unwrap();
    let target = tensor(&[3], DType::F32, 3);
    step(&mut adam, &trained, &target).unwrap();
    assert_eq!(values(&idle), before);
}

/// Variables change where they lie: a clone shares them, a copy does not.
#[test]
fn a_copy_keeps_the_old_values() {
    let variable = variable(&[3], DType::F32, 1);
    let (clone, copy) = (variable.as_tensor().clone(), variable.as_tensor().copy().unwrap());
    let before = values(&variable);
    step(&mut adam(&variable), &variable, &tensor(&[3], DType::F32, 2)).unwrap();
    assert_eq!(values(&clone), values(&variable));
    assert_eq!(values(&copy), before);
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let variable = variable(&[3], DType::F32, 1);
    let mut adam = adam(&variable);
    let error = adam.restore(1, Vec::new()).unwrap_err().to_string();
    assert!(error.contains("moments of 0 variables, 1 are needed"), "{error}");
    let wrong = Tensor::zeros(4, DType::F32, &Device::Cpu).unwrap();
    let error = adam.restore(1, vec![(wrong.clone(), wrong)]).unwrap_err().to_string();
    assert!(error.contains("[4]") && error.contains("[3]"), "{error}");
}
