//! The optimisers' state: saved, loaded, cleared, refused.

mod support;

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use candle_nn::ParamsAdamW;
use pairnet_ops::{
    Adam, AdamSettings, AdamW, OptimiserState, Optimizer, Sgd, SgdSettings, StatefulOptimizer,
    named_variables,
};
use support::optimisers::{bits, sgd, step, variables};
use support::{assert_told, device, values, variable};

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

/// A state put together by hand, its tensors in any order.
#[test]
fn transposed_tensors_are_taken() {
    let variables = vec![("weight".to_owned(), variable(&[2, 3], DType::F32, 1))];
    let mut optimiser = Sgd::named(variables.clone(), sgd()).unwrap();
    step(&mut optimiser, &variables, 1).unwrap();
    let mut state = optimiser.state().unwrap();
    let momentum = &state.tensors["momentum.weight"];
    let turned = momentum.t().unwrap().contiguous().unwrap().t().unwrap();
    let before = values(&turned);
    assert!(!turned.is_contiguous() && before == values(momentum));
    state.tensors.insert("momentum.weight".to_owned(), turned.clone());
    optimiser.load_state(&state).unwrap();
    step(&mut optimiser, &variables, 2).unwrap();
    assert_eq!(values(&turned), before);
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
    let mut expected: Vec<_> = ["first_moment", "second_moment"]
        .iter()
        .flat_map(|moment| variables.iter().map(move |(name, _)| format!("{moment}.{name}")))
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    adam.load_state(&state).unwrap();
    step(&mut adam, &variables, 1).unwrap();
    for (name, tensor) in &state.tensors {
        assert_eq!(values(tensor), kept[name], "nor does one that was loaded");
    }
}
