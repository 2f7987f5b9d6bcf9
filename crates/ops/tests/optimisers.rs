//! The optimisers against PyTorch, their state in files, and what they refuse.

mod support;

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var};
use candle_nn::ParamsAdamW;
use pairnet_ops::{
    Adam, AdamSettings, AdamW, OptimiserState, Optimizer, Sgd, SgdSettings, StatefulOptimizer,
    named_variables,
};
use proptest::prelude::*;
use support::{assert_close, assert_told, device, tensor, values, variable, whole};

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

/// Three variables, of more values than a thread takes at once and of few.
fn variables(dtype: DType) -> Vec<(String, Var)> {
    let named = |name: &str, length, seed| (name.to_owned(), variable(&[length], dtype, seed));
    vec![named("weight", 9000, 1), named("bias", 3, 2), named("none", 0, 3)]
}

/// A step with gradients that differ from step to step.
fn step<O: Optimizer>(optimiser: &mut O, variables: &[(String, Var)], seed: u64) -> Result<()> {
    let mut gradients = GradStore::default();
    for (_, variable) in variables {
        gradients.insert(variable, tensor(variable.dims(), variable.dtype(), seed));
    }
    optimiser.step(&gradients)
}

fn bits(variables: &[(String, Var)]) -> Vec<u64> {
    variables.iter().flat_map(|(_, variable)| values(variable)).map(f64::to_bits).collect()
}

fn break_off_and_go_on<O: StatefulOptimizer>(name: &str, config: impl Fn() -> O::Config) {
    let dir = std::env::temp_dir().join(format!("pairnet-ops-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("optimiser.safetensors");
    for dtype in [DType::F32, DType::F64] {
        let whole = variables(dtype);
        let mut optimiser = O::named(whole.clone(), config()).unwrap();
        let cut = variables(dtype);
        let mut before = O::named(cut.clone(), config()).unwrap();
        for seed in 0..3 {
            step(&mut optimiser, &whole, seed).unwrap();
            step(&mut before, &cut, seed).unwrap();
        }
        // No sum of powers of two, so that a rounded one would show.
        optimiser.set_learning_rate(0.1 / 3.0);
        before.set_learning_rate(0.1 / 3.0);
        before.save(&file).unwrap();
        // In another order: names tell which is which.
        let mut turned = cut.clone();
        turned.reverse();
        let mut after = O::named(turned, config()).unwrap();
        after.load(&file).unwrap();
        assert_eq!((after.steps(), after.learning_rate()), (3, 0.1 / 3.0));
        for seed in 3..6 {
            step(&mut optimiser, &whole, seed).unwrap();
            step(&mut after, &cut, seed).unwrap();
        }
        assert_eq!(bits(&cut), bits(&whole), "{name}");
        assert_eq!(after.steps(), 6);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

fn sgd() -> SgdSettings {
    SgdSettings { momentum: 0.9, dampening: 0.1, weight_decay: 0.01, ..SgdSettings::pytorch(0.1) }
}

#[test]
fn a_saved_state_goes_on_as_if_nothing_had_been() {
    break_off_and_go_on::<Adam>("adam", || AdamSettings::pytorch(0.1));
    break_off_and_go_on::<AdamW>("adamw", ParamsAdamW::default);
    break_off_and_go_on::<Sgd>("sgd", sgd);
    break_off_and_go_on::<Sgd>("sgd-plain", || SgdSettings::pytorch(0.1));
}

fn reset_and_start_anew<O: StatefulOptimizer>(config: impl Fn() -> O::Config) {
    let (used, new) = (variables(DType::F32), variables(DType::F32));
    let mut optimiser = O::named(used.clone(), config()).unwrap();
    for seed in 0..3 {
        optimiser.reset().unwrap();
        step(&mut optimiser, &used, seed).unwrap();
        step(&mut O::named(new.clone(), config()).unwrap(), &new, seed).unwrap();
    }
    assert_eq!(optimiser.steps(), 1);
    assert_eq!(bits(&used), bits(&new));
}

#[test]
fn a_reset_optimiser_is_a_new_one() {
    reset_and_start_anew::<Adam>(|| AdamSettings::pytorch(0.1));
    reset_and_start_anew::<AdamW>(ParamsAdamW::default);
    reset_and_start_anew::<Sgd>(sgd);
}

fn refuse_states<O: StatefulOptimizer>(config: O::Config, what: &str) {
    let variables = variables(DType::F32);
    let mut optimiser = O::named(variables.clone(), config).unwrap();
    step(&mut optimiser, &variables, 1).unwrap();
    let right = optimiser.state().unwrap();
    let [weight, bias] = ["weight", "bias"].map(|name| format!("{what}.{name}"));
    let with = |name: &str, tensor: Tensor| {
        let mut state = right.clone();
        state.tensors.insert(name.to_owned(), tensor);
        state.steps = 9;
        state
    };
    let shape = with(&bias, Tensor::zeros(4, DType::F32, device()).unwrap());
    let told =
        format!("'{bias}' of the state has shape [4] and dtype F32, its variable [3] and F32");
    assert_told(optimiser.load_state(&shape), &told);
    let dtype = with(&weight, Tensor::zeros(9000, DType::F64, device()).unwrap());
    assert_told(optimiser.load_state(&dtype), "has shape [9000] and dtype F64");
    let unknown = with("other", Tensor::zeros(3, DType::F32, device()).unwrap());
    assert_told(optimiser.load_state(&unknown), "'other' of the state belongs to no variable");
    for learning_rate in [f64::NAN, -0.1] {
        let state = OptimiserState { learning_rate, ..right.clone() };
        assert_told(optimiser.load_state(&state), "learning rate");
    }
    assert_eq!(optimiser.steps(), 1, "what is refused changes nothing");
    for (name, tensor) in &optimiser.state().unwrap().tensors {
        assert_eq!(values(tensor), values(&right.tensors[name]), "{name}");
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    refuse_states::<Adam>(AdamSettings::pytorch(0.1), "first_moment");
    refuse_states::<AdamW>(ParamsAdamW::default(), "second_moment");
    refuse_states::<Sgd>(sgd(), "momentum");
    let variables = variables(DType::F32);
    let mut adam = Adam::named(variables.clone(), AdamSettings::pytorch(0.1)).unwrap();
    let mut state = adam.state().unwrap();
    state.tensors.remove("second_moment.bias");
    assert_told(adam.load_state(&state), "Adam: the state has no 'second_moment.bias'");
    let file = std::env::temp_dir().join(format!("pairnet-ops-foreign-{}", std::process::id()));
    candle_core::safetensors::save(&state.tensors.into_iter().collect(), &file).unwrap();
    assert_told(adam.load(&file), "is no state of an optimiser: it has no 'steps'");
    std::fs::remove_file(&file).unwrap();
    assert!(adam.load(&file).is_err());
    assert!(adam.save(file.join("below")).is_err());
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
    assert_told(optimiser.step(&gradients), "none of 3 variables has a gradient");
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

#[test]
fn names_are_told_apart() {
    let two = ["same", "same"].map(|name| (name.to_owned(), variable(&[2], DType::F32, 1)));
    let refused = Sgd::named(two.to_vec(), SgdSettings::pytorch(0.1));
    assert_told(refused, "two variables have the name same");
    let map = candle_nn::VarMap::new();
    let builder = candle_nn::VarBuilder::from_varmap(&map, DType::F32, device());
    for name in ["b", "a", "c"] {
        builder.get(2, name).unwrap();
    }
    let names: Vec<_> = named_variables(&map).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

/// A variable that joins later: its first gradient is not dampened, as in PyTorch.
#[test]
fn momentum_begins_with_a_variable_s_first_gradient() {
    let (early, late) = (variable(&[3], DType::F64, 1), variable(&[3], DType::F64, 2));
    let mut both = Sgd::new(vec![early.clone(), late.clone()], sgd()).unwrap();
    step(&mut both, &[(String::new(), early.clone())], 1).unwrap();
    assert_eq!(both.state().unwrap().tensors.len(), 1);
    let alone = variable(&[3], DType::F64, 2);
    let mut other = Sgd::new(vec![alone.clone()], sgd()).unwrap();
    for seed in [2, 3] {
        step(&mut both, &[(String::new(), late.clone())], seed).unwrap();
        step(&mut other, &[(String::new(), alone.clone())], seed).unwrap();
    }
    assert_eq!(values(&late), values(&alone));
}

#[test]
fn states_hold_what_they_say() {
    let variables = variables(DType::F32);
    let mut adam = Adam::named(variables.clone(), AdamSettings::pytorch(0.1)).unwrap();
    let state = adam.state().unwrap();
    let kept: HashMap<_, _> =
        state.tensors.iter().map(|(name, tensor)| (name.clone(), values(tensor))).collect();
    step(&mut adam, &variables, 1).unwrap();
    for (name, tensor) in &state.tensors {
        assert_eq!(values(tensor), kept[name], "a state does not change with the next steps");
    }
    let names: Vec<_> = state.tensors.keys().map(String::as_str).collect();
    let expected = ["first_moment.bias", "first_moment.none", "first_moment.weight"];
    assert_eq!(names[..3], expected);
    adam.load_state(&state).unwrap();
    step(&mut adam, &variables, 1).unwrap();
    for (name, tensor) in &state.tensors {
        assert_eq!(values(tensor), kept[name], "nor does one that was loaded");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn bits_do_not_depend_on_threads(length in 0usize..20_000, threads in 2usize..33) {
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
