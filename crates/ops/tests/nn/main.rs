//! Layers with candle-nn's names: the same variables, the same values, the same gradients.

mod activations;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, ModuleT, Tensor, Var};
use candle_nn::{Optimizer, ParamsAdamW, VarBuilder, VarMap};
use pairnet_ops::nn::Dropout;
use support::device;

mod candles {
    use candle_nn as nn;
    include!("network.rs");
}

mod ours {
    use pairnet_ops::nn;
    include!("network.rs");
}

fn vb(variables: &VarMap) -> VarBuilder<'static> {
    VarBuilder::from_varmap(variables, DType::F64, device())
}

/// Name → shape of each variable.
fn shapes(variables: &VarMap) -> BTreeMap<String, Vec<usize>> {
    let data = variables.data().lock().unwrap();
    data.iter().map(|(name, variable)| (name.clone(), variable.dims().to_vec())).collect()
}

fn images() -> Tensor {
    let pixels: Vec<f64> = (0..7 * 196).map(|i| f64::from(i * i % 251) / 251.0).collect();
    Tensor::from_vec(pixels, (7, 1, 14, 14), device()).unwrap()
}

fn assert_near(name: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let apart = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
    let apart = apart.max(0).unwrap().to_scalar::<f64>().unwrap();
    assert!(apart < 1e-11, "{name}: {apart}");
}

/// candle-nn trains a step and saves its variables; both networks read them again.
#[test]
fn a_file_of_candle_nn_s_is_read_and_says_the_same() {
    let dir = std::env::temp_dir().join(format!("pairnet-nn-{}", std::process::id()));
    let saved = VarMap::new();
    let trained = candles::Network::new(vb(&saved)).unwrap();
    trained.forward(&images(), true).unwrap();
    saved.save(&dir).unwrap();

    let (mut theirs, mut own) = (VarMap::new(), VarMap::new());
    let their_network = candles::Network::new(vb(&theirs)).unwrap();
    let own_network = ours::Network::new(vb(&own)).unwrap();
    assert_eq!(shapes(&own), shapes(&saved));
    theirs.load(&dir).unwrap();
    own.load(&dir).unwrap();
    std::fs::remove_file(&dir).unwrap();

    let expected = trained.forward(&images(), false).unwrap();
    assert_near("theirs", &their_network.forward(&images(), false).unwrap(), &expected);
    assert_near("ours", &own_network.forward(&images(), false).unwrap(), &expected);

    let (found, expected) =
        (own_network.forward(&images(), true), their_network.forward(&images(), true));
    let (found, expected) = (found.unwrap(), expected.unwrap());
    assert_near("in training", &found, &expected);
    let weights = Tensor::arange(0.0, 70.0, device()).unwrap().reshape((7, 10)).unwrap();
    let gradients = |logits: &Tensor| (logits * &weights).unwrap().sum_all().unwrap().backward();
    let (found, expected) = (gradients(&found).unwrap(), gradients(&expected).unwrap());
    let (own, theirs) = (own.data().lock().unwrap(), theirs.data().lock().unwrap());
    let mut compared = 0;
    for (name, variable) in own.iter() {
        // Running statistics have moved alike, and have no gradient.
        assert_near(name, variable, &theirs[name]);
        match (found.get(variable), expected.get(&theirs[name])) {
            (Some(found), Some(expected)) => {
                compared += 1;
                let largest =
                    expected.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
                // The bias before a batch norm has none but for rounding.
                let largest = largest.max(1.0);
                assert_near(name, &(found / largest).unwrap(), &(expected / largest).unwrap());
            }
            (found, expected) => {
                assert_eq!((found.is_some(), expected.is_some()), (false, false), "{name}");
            }
        }
    }
    assert_eq!(
        compared, 8,
        "two convolutions, batch norm and two linear layers, of which two have no bias"
    );
}

#[test]
fn a_network_that_is_saved_keeps_its_running_statistics() {
    let saved = VarMap::new();
    let trained = ours::Network::new(vb(&saved)).unwrap();
    for _ in 0..3 {
        trained.forward(&images(), true).unwrap();
    }
    let tensors: HashMap<String, Tensor> = {
        let data = saved.data().lock().unwrap();
        data.iter().map(|(name, variable)| (name.clone(), variable.as_detached_tensor())).collect()
    };
    let again =
        ours::Network::new(VarBuilder::from_tensors(tensors, DType::F64, device())).unwrap();
    let both = [&trained, &again].map(|network| network.forward(&images(), false).unwrap());
    assert_near("logits", &both[1], &both[0]);
}

#[test]
fn a_batch_norm_can_be_absorbed() {
    let ours = ours::Network::new(vb(&VarMap::new())).unwrap();
    ours.forward(&images(), true).unwrap();
    let theirs = candles::Network::new(vb(&VarMap::new())).unwrap();
    for [apart, together] in
        [ours.absorbed(&images()).unwrap(), theirs.absorbed(&images()).unwrap()]
    {
        assert_near("absorbed", &together, &apart);
    }
}

#[test]
fn batch_norm_may_have_nothing_to_train() {
    use pairnet_ops::nn::{BatchNormConfig, batch_norm};
    let variables = VarMap::new();
    let config = BatchNormConfig { affine: false, momentum: 0.3, ..Default::default() };
    let ours = batch_norm(1, config, vb(&variables)).unwrap();
    assert!(ours.weight_and_bias().is_none());
    let theirs = candle_nn::batch_norm(1, config, vb(&VarMap::new())).unwrap();
    for train in [true, false] {
        let (found, expected) =
            (ours.forward_t(&images(), train), theirs.forward_t(&images(), train));
        assert_near("output", &found.unwrap(), &expected.unwrap());
        assert_near("mean", ours.running_mean(), theirs.running_mean());
        assert_near("variance", ours.running_var(), theirs.running_var());
    }
    assert_eq!(shapes(&variables).len(), 2);
}

#[test]
fn what_has_no_meaning_is_refused() {
    use pairnet_ops::nn::{BatchNorm, BatchNormConfig, Conv2dConfig, batch_norm, conv2d};
    let told = |error: candle_core::Error| error.to_string();
    let groups = |groups| {
        let config = Conv2dConfig { groups, ..Default::default() };
        told(conv2d(6, 4, 3, config, vb(&VarMap::new())).unwrap_err())
    };
    assert!(groups(4).contains("4 groups do not divide 6 channels and 4 outputs"), "{}", groups(4));
    assert!(groups(0).contains("0 groups"));
    let norm =
        |config: BatchNormConfig| told(batch_norm(3, config, vb(&VarMap::new())).unwrap_err());
    assert!(norm(f64::NAN.into()).contains("eps NaN"));
    let config = BatchNormConfig { momentum: 1.5, ..Default::default() };
    assert!(norm(config).contains("momentum 1.5 is not in [0, 1]"));
    let config = BatchNormConfig { remove_mean: false, ..Default::default() };
    assert!(norm(config).contains("remove_mean"));
    let of = |count: usize| Tensor::ones(count, DType::F64, device()).unwrap();
    let error = BatchNorm::new(3, of(3), of(2), of(3), of(3), 1e-5).unwrap_err();
    assert!(told(error).contains("running_var has shape [2], 3 channels need [3]"));
}

/// Five steps of one optimiser, each with the gradients of Σ (w·x)².
fn stepped<O: Optimizer>(config: O::Config) -> Tensor {
    let weight = Var::from_tensor(&Tensor::arange(0.0, 6.0, device()).unwrap()).unwrap();
    let mut optimiser = O::new(vec![weight.clone()], config).unwrap();
    for step in 1..=5 {
        let input =
            Tensor::arange(0.0, 6.0, device()).unwrap().affine(0.3, f64::from(step)).unwrap();
        let loss = (weight.as_tensor() * input).unwrap().sqr().unwrap().sum_all().unwrap();
        optimiser.backward_step(&loss).unwrap();
        optimiser.set_learning_rate(optimiser.learning_rate() * 0.9);
    }
    weight.as_detached_tensor()
}

#[test]
fn adam_w_steps_as_candle_nn_s() {
    let settings = || ParamsAdamW { lr: 0.1, weight_decay: 0.2, ..Default::default() };
    let found = stepped::<pairnet_ops::nn::AdamW>(settings());
    assert_near("weight", &found, &stepped::<candle_nn::AdamW>(settings()));
}

#[test]
fn losses_and_softmax_are_candle_nn_s() {
    use pairnet_ops::nn::{loss, ops};
    let logits = images().reshape((7, 4, 49)).unwrap();
    for dim in [0, 1, 2] {
        let expected = candle_nn::ops::softmax(&logits, dim).unwrap();
        assert_near("softmax", &ops::softmax(&logits, dim).unwrap(), &expected);
        let expected = candle_nn::ops::log_softmax(&logits, dim).unwrap();
        assert_near("log_softmax", &ops::log_softmax(&logits, dim).unwrap(), &expected);
    }
    assert!(ops::softmax(&logits, 3).is_err());
    let (rows, others) = (images().reshape((49, 28)).unwrap(), (images() * 0.5).unwrap());
    let classes = Tensor::arange(0u32, 49, device()).unwrap();
    let classes =
        (classes.to_dtype(DType::F64).unwrap() / 2.0).unwrap().to_dtype(DType::U32).unwrap();
    let scores = candle_nn::ops::log_softmax(&rows, 1).unwrap();
    let pairs = [
        (loss::nll(&scores, &classes), candle_nn::loss::nll(&scores, &classes)),
        (loss::cross_entropy(&rows, &classes), candle_nn::loss::cross_entropy(&rows, &classes)),
        (loss::mse(&images(), &others), candle_nn::loss::mse(&images(), &others)),
        (
            loss::binary_cross_entropy_with_logit(&images(), &others),
            candle_nn::loss::binary_cross_entropy_with_logit(&images(), &others),
        ),
        // This crate has none of its own.
        (loss::huber(&images(), &others, 1.0), candle_nn::loss::huber(&images(), &others, 1.0)),
    ];
    for (found, expected) in pairs {
        assert_near("loss", &found.unwrap(), &expected.unwrap());
    }
}

#[test]
fn dropout_keeps_its_share_and_is_off_in_evaluation() {
    let ones = Tensor::ones((50, 400), DType::F32, device()).unwrap();
    let mean = |values: Tensor| values.mean_all().unwrap().to_scalar::<f32>().unwrap();
    let dropout = Dropout::new(0.3);
    // Standard deviation: √(0.3 / 0.7 / 20,000) = 0.0046.
    assert!((mean(dropout.forward(&ones, true).unwrap()) - 1.0).abs() < 0.03);
    assert_eq!(mean(dropout.forward(&ones, false).unwrap()), 1.0);
    let bytes = |dropout: &Dropout| {
        dropout.forward(&ones, true).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let seeded = Dropout::seeded(0.3, 1);
    let first = bytes(&seeded);
    assert_eq!(first, bytes(&Dropout::seeded(0.3, 1)));
    assert_ne!(first, bytes(&seeded), "each batch has a mask of its own");
    assert_ne!(first, bytes(&Dropout::seeded(0.3, 2)));
    for probability in [1.0, -0.1, f32::NAN] {
        let error = Dropout::new(probability).forward(&ones, true).unwrap_err().to_string();
        assert!(error.contains("is not in [0, 1)"), "{error}");
    }
}
