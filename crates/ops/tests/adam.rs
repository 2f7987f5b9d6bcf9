//! Adam against its formula, and its state saved, put back and cleared.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{Adam, AdamSettings};
use support::{assert_told, device, tensor, values, variable, whole};

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

/// Moments that were told share memory with the state, which goes on; `restore` copies.
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
fn a_state_that_does_not_fit_is_refused() {
    let variable = variable(&[3], DType::F32, 1);
    let mut adam = adam(&variable);
    assert_told(adam.restore(1, Vec::new()), "moments of 0 variables, 1 are needed");
    let zeros = |length: usize, dtype| Tensor::zeros(length, dtype, device()).unwrap();
    let (right, wrong) = (zeros(3, DType::F32), zeros(4, DType::F32));
    let refused = adam.restore(1, vec![(wrong.clone(), right.clone())]);
    assert_told(refused, "moments of shapes [4] and [3] for a variable of [3]");
    let refused = adam.restore(1, vec![(right.clone(), wrong)]);
    assert_told(refused, "moments of shapes [3] and [4] for a variable of [3]");
    let refused = adam.restore(1, vec![(right, zeros(3, DType::F64))]);
    assert_told(refused, "moments of dtypes F32 and F64 for a variable of F32");
    assert_eq!(adam.steps(), 0, "what is refused changes nothing");
}

#[test]
fn a_gradient_that_does_not_fit_is_refused() {
    let [first, second] = [variable(&[3], DType::F32, 1), variable(&[3], DType::F32, 2)];
    let before = [values(&first), values(&second)];
    let mut gradients = (&*first + &*second).unwrap().sum_all().unwrap().backward().unwrap();
    let variables = vec![first.clone(), second.clone()];
    let mut adam_of_both = Adam::new(variables, AdamSettings::pytorch(0.01)).unwrap();
    gradients.insert(&second, tensor(&[4], DType::F32, 1));
    let told = "a gradient of shape [4] and dtype F32 for a variable of [3] and F32";
    assert_told(adam_of_both.step(&gradients), told);
    gradients.insert(&second, tensor(&[3], DType::F64, 1));
    assert_told(adam_of_both.step(&gradients), "dtype F64 for a variable of [3] and F32");
    assert_eq!([values(&first), values(&second)], before, "what is refused changes nothing");
    assert_eq!(adam_of_both.steps(), 0);

    let whole = Var::from_tensor(&whole(&[3])).unwrap();
    gradients.insert(&whole, whole.as_tensor().copy().unwrap());
    assert_told(adam(&whole).step(&gradients), "dtype U32 is not supported");
}

#[test]
fn a_variable_that_is_there_twice_is_refused() {
    let variable = variable(&[3], DType::F32, 1);
    let twice = Adam::new(vec![variable.clone(), variable], AdamSettings::pytorch(0.01));
    assert_told(twice, "a variable of shape [3] is there twice");
}

#[test]
fn a_step_without_any_gradient_is_refused() {
    let (trained, other) = (variable(&[3], DType::F32, 1), variable(&[3], DType::F32, 2));
    let gradients = other.sum_all().unwrap().backward().unwrap();
    let mut adam = adam(&trained);
    assert_told(adam.step(&gradients), "none of 1 variables has a gradient");
    assert_eq!(adam.steps(), 0, "what is refused changes nothing");
}
