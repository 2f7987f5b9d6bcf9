//! What fades away ends as zero, not as subnormal numbers, with which arithmetic takes many times as long.

mod support;

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var};
use candle_nn::ParamsAdamW;
use pairnet_ops::{
    Adam, AdamSettings, AdamW, Optimizer, Sgd, SgdSettings, StatefulOptimizer,
    binary_cross_entropy_with_logits, cross_entropy, log_softmax, nll,
};
use support::{composed, device, values};

/// The smallest normal number of a dtype.
fn least(dtype: DType) -> f64 {
    if dtype == DType::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) }
}

fn tensor(values: &[f64], dtype: DType) -> Tensor {
    Tensor::new(values, device()).unwrap().to_dtype(dtype).unwrap()
}

/// Steps under one gradient and then zeros, until all is gone that an optimiser remembers, but for what `stays`.
fn fade<O: StatefulOptimizer>(config: O::Config, dtype: DType, stays: Option<&str>) {
    // Of vectors that are full, and not.
    let start: Vec<f64> = (0..37).map(|place| f64::from(place) / 4.0 - 3.0).collect();
    let parameter = Var::from_tensor(&tensor(&start, dtype)).unwrap();
    let mut optimiser = O::new(vec![parameter.clone()], config).unwrap();
    let steps = if dtype == DType::F64 { 7500 } else { 1200 };
    for step in 0..steps {
        let mut gradients = GradStore::default();
        let given = tensor(&start, dtype);
        let gradient = if step == 0 { given } else { given.zeros_like().unwrap() };
        gradients.insert(&parameter, gradient);
        optimiser.step(&gradients).unwrap();
        for (name, tensor) in &optimiser.state().unwrap().tensors {
            let values = values(tensor);
            let normal = |&value: &f64| value == 0.0 || value.abs() >= least(dtype);
            assert!(values.iter().all(normal), "{name} after step {step}: {values:?}");
            let gone = values.iter().all(|&value| value == 0.0);
            let stays = stays.is_some_and(|stays| name.starts_with(stays));
            assert!(step + 1 < steps || gone || stays, "{name}: {values:?}");
        }
    }
}

#[test]
fn what_an_optimiser_remembers_fades_away() {
    if composed() {
        return;
    }
    for dtype in [DType::F32, DType::F64] {
        let adam = AdamSettings::pytorch(0.01);
        fade::<Adam>(adam, dtype, Some("second_moment"));
        fade::<Adam>(AdamSettings { beta2: 0.9, ..adam }, dtype, None);
        fade::<AdamW>(ParamsAdamW::default(), dtype, Some("second_moment"));
        let sgd = SgdSettings { momentum: 0.9, ..SgdSettings::pytorch(0.1) };
        fade::<Sgd>(sgd, dtype, None);
        fade::<Sgd>(SgdSettings { nesterov: true, ..sgd }, dtype, None);
    }
}

/// Gradients that get smaller from step to step, among them subnormal ones.
#[test]
fn small_gradients_do_to_a_parameter_what_the_formula_says() {
    for smallest in [1e-12f64, 1e-18, 1e-25, 1e-33, 1e-44] {
        let parameter = Var::new(&[1f32, 1e-20], device()).unwrap();
        let mut adam = Adam::new(vec![parameter.clone()], AdamSettings::pytorch(0.01)).unwrap();
        let (mut expected, mut first, mut second) = ([1f64, 1e-20], 0f64, 0f64);
        for step in 1..=20 {
            let gradient = smallest * f64::from(21 - step);
            let mut gradients = GradStore::default();
            let given = Tensor::new(&[gradient as f32; 2], device()).unwrap();
            gradients.insert(&parameter, given);
            adam.step(&gradients).unwrap();
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 0.001 * gradient * gradient;
            let mean = first / (1.0 - 0.9f64.powi(step));
            let deviation = (second / (1.0 - 0.999f64.powi(step))).sqrt() + 1e-8;
            expected = expected.map(|value| value - 0.01 * mean / deviation);
        }
        for (found, expected) in values(&parameter).into_iter().zip(expected) {
            // What is not done of a step is less than 0.01 · (10⁶ · 1.2e-38 / 0.1) / 1e-8.
            let tolerance = 1e-6 * expected.abs() + 20.0 * 1.2e-25;
            assert!((found - expected).abs() < tolerance, "{smallest}: {found}, {expected}");
        }
    }
}

/// Each kind of what is nearly subnormal, by what would be left of it.
#[test]
fn what_is_nearly_subnormal_counts_as_zero() {
    if composed() {
        return;
    }
    fn after_a_step<O: StatefulOptimizer>(config: O::Config, gradient: f32) -> [Vec<f64>; 3] {
        let parameter = Var::new(&[0f32; 17], device()).unwrap();
        let mut optimiser = O::new(vec![parameter.clone()], config).unwrap();
        let mut gradients = GradStore::default();
        gradients.insert(&parameter, Tensor::new(&[gradient; 17], device()).unwrap());
        optimiser.step(&gradients).unwrap();
        let state = optimiser.state().unwrap().tensors;
        let mut remembered = state.values().map(values);
        let mut next = || remembered.next().unwrap_or_default();
        [values(&parameter), next(), next()]
    }
    let none = vec![0.0; 17];
    // In the order of their names: first moment, second moment.
    let adam = |gradient| after_a_step::<Adam>(AdamSettings::pytorch(0.01), gradient);
    assert_eq!(adam(1e-33), [none.clone(), none.clone(), none.clone()]);
    let [moved, first, second] = adam(1e-17);
    assert!(second == none && moved != none && first != none, "its square alone: {first:?}");
    let [_, _, second] = adam(1e-15);
    assert!(second != none);
    let sgd = SgdSettings::pytorch(0.1);
    for settings in [sgd, SgdSettings { momentum: 0.9, ..sgd }] {
        assert_eq!(after_a_step::<Sgd>(settings, 1e-33)[0], none);
        assert!(after_a_step::<Sgd>(settings, 1e-31)[0] != none);
    }
}

/// An epsilon that hides nothing: the step is as large as with other gradients.
#[test]
fn without_epsilon_small_gradients_count() {
    let parameter = Var::new(&[1f64; 17], device()).unwrap();
    let settings = AdamSettings { epsilon: 0.0, ..AdamSettings::pytorch(0.25) };
    let mut adam = Adam::new(vec![parameter.clone()], settings).unwrap();
    let mut gradients = GradStore::default();
    // Its square would count as zero with another epsilon.
    let gradient = Tensor::new(&[1e-152f64; 17], device()).unwrap();
    gradients.insert(&parameter, gradient);
    adam.step(&gradients).unwrap();
    assert!(values(&parameter).iter().all(|value| (value - 0.75).abs() < 1e-6));
}

/// exp(−60) is a gradient. exp(−80) would be one of which a step makes subnormal numbers, and exp(−90) is subnormal.
#[test]
fn what_is_improbable_has_no_gradient() {
    let expected = f64::from((-60f32).exp());
    let assert_told = |gradient: &[f64], likely: usize, unlikely: usize, count: f64| {
        let found = gradient[likely] * count;
        assert!((found - expected).abs() < 1e-5 * expected, "{gradient:?}");
        assert!(gradient[unlikely] == 0.0 || composed(), "{gradient:?}");
    };
    let logits = Var::new(&[-60f32, -80.0, f32::NAN], device()).unwrap();
    let loss = binary_cross_entropy_with_logits(&logits, &logits.zeros_like().unwrap()).unwrap();
    let gradient = values(loss.backward().unwrap().get(&logits).unwrap());
    assert_told(&gradient, 0, 1, 3.0);
    assert!(gradient[2].is_nan(), "{gradient:?}");

    let logits = Var::new(&[[90f32, 0.0, 30.0], [f32::NAN, 0.0, 1.0]], device()).unwrap();
    let classes = Tensor::new(&[0u32, 1], device()).unwrap();
    let by_logarithm = nll(&log_softmax(&logits).unwrap(), &classes).unwrap();
    for loss in [cross_entropy(&logits, &classes).unwrap(), by_logarithm] {
        let gradients = loss.backward().unwrap();
        let gradient = values(gradients.get(&logits).unwrap());
        assert_told(&gradient, 2, 1, 2.0);
        assert!(gradient[3..].iter().all(|value| value.is_nan()), "{gradient:?}");
    }
}
