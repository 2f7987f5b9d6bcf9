//! Layers with candle-nn's names: the same variables, the same values, the same gradients.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, ModuleT, Tensor};
use candle_nn::{VarBuilder, VarMap};

mod candles {
    use candle_nn as nn;
    include!("network.rs");
}

mod ours {
    use pairnet_ops::nn;
    include!("network.rs");
}

const CPU: &Device = &Device::Cpu;

fn vb(variables: &VarMap) -> VarBuilder<'static> {
    VarBuilder::from_varmap(variables, DType::F64, CPU)
}

/// Name → shape of each variable.
fn shapes(variables: &VarMap) -> BTreeMap<String, Vec<usize>> {
    let data = variables.data().lock().unwrap();
    data.iter().map(|(name, variable)| (name.clone(), variable.dims().to_vec())).collect()
}

fn images() -> Tensor {
    let pixels: Vec<f64> = (0..7 * 196).map(|i| f64::from(i * i % 251) / 251.0).collect();
    Tensor::from_vec(pixels, (7, 1, 14, 14), CPU).unwrap()
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
    let weights = Tensor::arange(0.0, 70.0, CPU).unwrap().reshape((7, 10)).unwrap();
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
    let again = ours::Network::new(VarBuilder::from_tensors(tensors, DType::F64, CPU)).unwrap();
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
    let of = |count: usize| Tensor::ones(count, DType::F64, CPU).unwrap();
    let error = BatchNorm::new(3, of(3), of(2), of(3), of(3), 1e-5).unwrap_err();
    assert!(told(error).contains("running_var has shape [2], 3 channels need [3]"));
}
