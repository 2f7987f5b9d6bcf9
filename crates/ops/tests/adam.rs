//! Adam against its formula; `optimisers.rs` has what it shares with the others.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{Adam, AdamSettings, Optimizer};
use support::{assert_told, device, tensor, values, variable};

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

/// Moments that were told share memory with the optimiser's own, which go on.
#[test]
fn told_moments_change_with_the_steps() {
    let (variable, target) = (variable(&[3], DType::F32, 1), tensor(&[3], DType::F32, 2));
    let mut adam = adam(&variable);
    step(&mut adam, &variable, &target).unwrap();
    let (told, _) = adam.moments().next().unwrap();
    let (told, kept) = (told.clone(), told.copy().unwrap());
    step(&mut adam, &variable, &target).unwrap();
    assert_ne!(values(&told), values(&kept));
    assert_eq!(values(&told), values(adam.moments().next().unwrap().0));
}

/// A graph remembers its variables, not their values: stepping between forward and backward pass
/// would give gradients at the new values.
#[test]
fn a_graph_sees_the_step() {
    let variable = Var::new(&[3.0], device()).unwrap();
    let square = variable.sqr().unwrap().sum_all().unwrap();
    adam(&variable).step(&square.backward().unwrap()).unwrap();
    let moved = values(&variable)[0];
    assert!((moved - 2.99).abs() < 1e-9, "{moved}");
    let gradients = square.backward().unwrap();
    assert_eq!(values(gradients.get(&variable).unwrap()), [2.0 * moved]);
    assert_eq!(values(&square), [9.0]);
}

#[test]
fn nan_and_zero_gradients() {
    let variable = Var::new(&[1f32, 2.0, 3.0], device()).unwrap();
    let gradient = Tensor::new(&[f32::NAN, 0.0, 1e-30], device()).unwrap();
    let product = (variable.as_tensor() * &gradient).unwrap().sum_all().unwrap();
    adam(&variable).step(&product.backward().unwrap()).unwrap();
    let moved = values(&variable);
    // 1e-30 squared is 0 in f32, and ε, which is larger by far, bounds the step.
    assert!(moved[0].is_nan() && moved[1] == 2.0 && moved[2] == 3.0, "{moved:?}");
}

#[test]
fn a_variable_that_is_there_twice_is_refused() {
    let variable = variable(&[3], DType::F32, 1);
    let twice = Adam::new(vec![variable.clone(), variable], AdamSettings::pytorch(0.01));
    assert_told(twice, "a variable of shape [3] is there twice");
}
