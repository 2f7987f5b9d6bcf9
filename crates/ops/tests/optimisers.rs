//! The optimisers against PyTorch and candle, gradients that share memory, and what they refuse.

mod support;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};
use candle_nn::ParamsAdamW;
use pairnet_ops::{Adam, AdamSettings, AdamW, Optimizer, Sgd, SgdSettings, StatefulOptimizer};
use proptest::prelude::*;
use support::optimisers::{bits, sgd, step, variables};
use support::{assert_close, assert_told, device, least, tensor, values, variable, whole};

/// The learning rate of each golden step, times that of the optimiser.
const SCHEDULE: [f64; 5] = [1.0, 1.0, 0.25, 0.5, 2.0];

/// Steps under the given gradients; `tests/golden/README.md` tells how the file was made.
fn compare_with_pytorch<O: StatefulOptimizer>(name: &str, config: O::Config) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/optimisers.safetensors");
    let golden = candle_core::safetensors::load(file, device()).unwrap();
    let get = |name: String| {
        golden.get(&name).unwrap_or_else(|| panic!("the golden file has no '{name}'"))
    };
    let parameters =
        [0, 1].map(|index| Var::from_tensor(get(format!("parameter.{index}"))).unwrap());
    let mut optimiser = O::new(parameters.to_vec(), config).unwrap();
    let rate = optimiser.learning_rate();
    for (step, factor) in (1..).zip(SCHEDULE) {
        optimiser.set_learning_rate(rate * factor);
        let mut gradients = GradStore::default();
        for (index, parameter) in parameters.iter().enumerate() {
            gradients.insert(parameter, get(format!("gradient.{index}.{step}")).clone());
        }
        optimiser.step(&gradients).unwrap();
        for (index, parameter) in parameters.iter().enumerate() {
            let expected = format!("{name}.parameter.{index}.{step}");
            assert_close(&expected, parameter, get(expected.clone()), 1e-9);
        }
        for (remembered, found) in &optimiser.state().unwrap().tensors {
            let expected = format!("{name}.{remembered}.{step}");
            assert_close(&expected, found, get(expected.clone()), 1e-9);
        }
    }
    assert_eq!(optimiser.steps(), SCHEDULE.len());
}

#[test]
fn steps_are_those_of_pytorch() {
    let adam = AdamSettings::pytorch(0.01);
    compare_with_pytorch::<Adam>("adam", adam);
    compare_with_pytorch::<Adam>("adam_weight_decay", AdamSettings { weight_decay: 0.1, ..adam });
    let other = AdamSettings { learning_rate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 1e-3, ..adam };
    compare_with_pytorch::<Adam>("adam_other_constants", other);

    let adamw = ParamsAdamW { lr: 0.01, ..ParamsAdamW::default() };
    compare_with_pytorch::<AdamW>("adamw", adamw.clone());
    let strong =
        ParamsAdamW { lr: 0.1, weight_decay: 0.5, beta1: 0.8, beta2: 0.9, ..adamw.clone() };
    compare_with_pytorch::<AdamW>("adamw_strong_decay", strong);
    compare_with_pytorch::<AdamW>("adamw_no_decay", ParamsAdamW { weight_decay: 0.0, ..adamw });

    let sgd = SgdSettings::pytorch(0.1);
    let momentum = SgdSettings { momentum: 0.9, ..sgd };
    let some = SgdSettings { momentum: 0.8, weight_decay: 0.2, ..sgd };
    compare_with_pytorch::<Sgd>("sgd", sgd);
    compare_with_pytorch::<Sgd>("sgd_weight_decay", SgdSettings { weight_decay: 0.2, ..sgd });
    compare_with_pytorch::<Sgd>("sgd_momentum", momentum);
    compare_with_pytorch::<Sgd>("sgd_dampening", SgdSettings { dampening: 0.3, ..momentum });
    compare_with_pytorch::<Sgd>("sgd_nesterov", SgdSettings { nesterov: true, ..momentum });
    compare_with_pytorch::<Sgd>("sgd_all", SgdSettings { dampening: 0.5, ..some });
    let nesterov = SgdSettings { nesterov: true, ..some };
    compare_with_pytorch::<Sgd>("sgd_nesterov_weight_decay", nesterov);
}

/// In candle's place by its name alone: the same steps as candle's own, but for rounding.
#[test]
fn adamw_is_candle_s() {
    fn train<O: Optimizer>(new: impl Fn(Vec<Var>, f64) -> Result<O>) -> Vec<f64> {
        let (weight, target) = (variable(&[7], DType::F64, 1), tensor(&[7], DType::F64, 2));
        let mut optimiser = new(vec![weight.clone()], 0.1).unwrap();
        for _ in 0..4 {
            let loss = (weight.as_tensor() - &target).unwrap().sqr().unwrap().sum_all().unwrap();
            optimiser.backward_step(&loss).unwrap();
        }
        values(&weight)
    }
    let (ours, candle_s) = (train(AdamW::new_lr), train(candle_nn::AdamW::new_lr));
    for (ours, candle_s) in ours.into_iter().zip(candle_s) {
        assert!((ours - candle_s).abs() < 1e-12, "{ours} and {candle_s}");
    }
}

/// A gradient that is its variable, another one, or what the optimiser remembers: as a copy would be.
fn share_memory<O: StatefulOptimizer>(config: impl Fn() -> O::Config) {
    let train = |shared: bool| {
        let (first, second) = (variable(&[5], DType::F32, 1), variable(&[5], DType::F32, 2));
        let mut optimiser = O::new(vec![first.clone(), second.clone()], config()).unwrap();
        for _ in 0..3 {
            let mut gradients = GradStore::default();
            let own =
                |tensor: &Tensor| if shared { tensor.clone() } else { tensor.copy().unwrap() };
            gradients.insert(&second, own(&first));
            gradients.insert(&first, own(&first));
            optimiser.step(&gradients).unwrap();
        }
        [values(&first), values(&second)]
    };
    assert_eq!(train(true), train(false));
}

#[test]
fn gradients_may_share_memory_with_variables() {
    share_memory::<Adam>(|| AdamSettings::pytorch(0.1));
    share_memory::<AdamW>(ParamsAdamW::default);
    share_memory::<Sgd>(sgd);
}

#[test]
fn gradients_may_share_memory_with_moments() {
    let train = |shared: bool| {
        let variable = variable(&[5], DType::F32, 1);
        let mut adam = Adam::new(vec![variable.clone()], AdamSettings::pytorch(0.1)).unwrap();
        for _ in 0..3 {
            let (moment, _) = adam.moments().next().unwrap();
            let moment = if shared { moment.clone() } else { moment.copy().unwrap() };
            let mut gradients = GradStore::default();
            gradients.insert(&variable, moment);
            adam.step(&gradients).unwrap();
            step(&mut adam, &[(String::new(), variable.clone())], 7).unwrap();
        }
        values(&variable)
    };
    assert_eq!(train(true), train(false));
}

#[test]
fn gradients_may_lie_in_any_order() {
    let train = |transposed: bool| {
        let variable = variable(&[3, 4], DType::F32, 1);
        let mut sgd = Sgd::new(vec![variable.clone()], sgd()).unwrap();
        let gradient = tensor(&[4, 3], DType::F32, 2).t().unwrap();
        let gradient = if transposed { gradient } else { gradient.contiguous().unwrap() };
        let mut gradients = GradStore::default();
        gradients.insert(&variable, gradient);
        sgd.step(&gradients).unwrap();
        values(&variable)
    };
    assert_eq!(train(true), train(false));
}

/// Shared and in another order at once.
#[test]
fn a_gradient_may_be_its_variable_transposed() {
    let train = |shared: bool| {
        let variable = variable(&[3, 3], DType::F32, 1);
        let mut adam = Adam::new(vec![variable.clone()], AdamSettings::pytorch(0.1)).unwrap();
        let gradient = variable.as_tensor().t().unwrap();
        let gradient = if shared { gradient } else { gradient.contiguous().unwrap() };
        let mut gradients = GradStore::default();
        gradients.insert(&variable, gradient);
        adam.step(&gradients).unwrap();
        values(&variable)
    };
    assert_eq!(train(true), train(false));
}

#[test]
fn other_dtypes_are_refused_before_a_step() {
    for dtype in [DType::F16, DType::BF16] {
        let half = || vec![Var::from_tensor(&tensor(&[3], dtype, 1)).unwrap()];
        let told = format!("variable 0 has dtype {dtype:?}, which is not supported");
        assert_told(Adam::new(half(), AdamSettings::pytorch(0.1)), &told);
        assert_told(AdamW::new_lr(half(), 0.1), &told);
        assert_told(Sgd::new(half(), SgdSettings::pytorch(0.1)), &told);
    }
    let whole = vec![Var::from_tensor(&whole(&[3])).unwrap()];
    assert_told(Sgd::new(whole, SgdSettings::pytorch(0.1)), "dtype U32");
}

#[test]
fn settings_are_checked() {
    let adam = AdamSettings::pytorch(0.1);
    let refused = [
        (AdamSettings { learning_rate: -1.0, ..adam }, "learning rate -1 is not a finite number"),
        (AdamSettings { learning_rate: f64::INFINITY, ..adam }, "learning rate inf"),
        (AdamSettings { beta1: 1.0, ..adam }, "beta1 1 is not in [0, 1)"),
        (AdamSettings { beta2: f64::NAN, ..adam }, "beta2 NaN"),
        (AdamSettings { epsilon: -1e-8, ..adam }, "epsilon"),
        (AdamSettings { weight_decay: -0.1, ..adam }, "weight decay -0.1"),
    ];
    for (settings, told) in refused {
        assert_told(Adam::new(Vec::new(), settings), told);
    }
    let params = ParamsAdamW { beta1: -0.1, ..ParamsAdamW::default() };
    assert_told(AdamW::new(Vec::new(), params), "AdamW: beta1 -0.1");
    let sgd = SgdSettings::pytorch(0.1);
    let refused = [
        (SgdSettings { momentum: -0.9, ..sgd }, "momentum -0.9"),
        (SgdSettings { dampening: f64::NAN, ..sgd }, "dampening NaN"),
        (
            SgdSettings { nesterov: true, ..sgd },
            "needs momentum and no dampening, they are 0 and 0",
        ),
        (SgdSettings { nesterov: true, momentum: 0.9, dampening: 0.1, ..sgd }, "0.9 and 0.1"),
    ];
    for (settings, told) in refused {
        assert_told(Sgd::new(Vec::new(), settings), told);
    }
}

fn refuse_steps<O: StatefulOptimizer>(config: O::Config) {
    let variables = variables(DType::F32);
    let mut optimiser = O::named(variables.clone(), config).unwrap();
    let before = bits(&variables);
    for rate in [f64::NAN, f64::INFINITY, -0.1] {
        optimiser.set_learning_rate(rate);
        assert_told(step(&mut optimiser, &variables, 1), "learning rate");
    }
    optimiser.set_learning_rate(0.1);
    let mut gradients = GradStore::default();
    let told = format!("none of {} variables has a gradient", variables.len());
    assert_told(optimiser.step(&gradients), &told);
    for (_, variable) in &variables {
        gradients.insert(variable, tensor(variable.dims(), DType::F32, 1));
    }
    gradients.insert(&variables[1].1, tensor(&[4], DType::F32, 1));
    assert_told(optimiser.step(&gradients), "a gradient of shape [4] and dtype F32");
    gradients.insert(&variables[1].1, tensor(&[3], DType::F64, 1));
    assert_told(optimiser.step(&gradients), "dtype F64 for a variable of [3] and F32");
    assert_eq!((bits(&variables), optimiser.steps()), (before, 0), "nothing has changed");
    step(&mut optimiser, &variables, 1).unwrap();
    assert_eq!(optimiser.steps(), 1);
}

#[test]
fn a_refused_step_changes_nothing() {
    refuse_steps::<Adam>(AdamSettings::pytorch(0.1));
    refuse_steps::<AdamW>(ParamsAdamW::default());
    refuse_steps::<Sgd>(sgd());
}

proptest! {
    #![proptest_config(support::cases(12))]

    #[test]
    fn bits_do_not_depend_on_threads(length in least()..20_000, threads in 2usize..33) {
        let train = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let all = [1, 2, 3].map(|seed| (seed.to_string(), variable(&[length], DType::F32, seed)));
                let (first, rest) = all.split_at(1);
                let (second, third) = rest.split_at(1);
                let mut adam = Adam::named(first.to_vec(), AdamSettings::pytorch(0.1)).unwrap();
                let mut adamw = AdamW::named(second.to_vec(), ParamsAdamW::default()).unwrap();
                let mut sgd = Sgd::named(third.to_vec(), sgd()).unwrap();
                for seed in 0..2 {
                    step(&mut adam, first, seed).unwrap();
                    step(&mut adamw, second, seed).unwrap();
                    step(&mut sgd, third, seed).unwrap();
                }
                bits(&all)
            })
        };
        prop_assert!(train(threads) == train(1));
    }
}
