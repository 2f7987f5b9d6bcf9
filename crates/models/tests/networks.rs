//! The table of variants, and networks made from it.

mod support;

use std::collections::HashMap;

use candle_core::{D, DType, Device, Result, Shape, Tensor};
use pairnet_models::{Architecture, Kernels, Masks, Network, names, variant, variants};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use support::{device, images};

/// Keeps everything.
struct AllOnes;

impl Masks for AllOnes {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        Tensor::ones(shape, DType::U8, &Device::Cpu)
    }
}

fn network(name: &str, kernels: Kernels) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let variant = variant(name).unwrap();
    Network::new(variant, kernels, &mut rng, DType::F32, device()).unwrap()
}

/// The counts of the paper's networks, biases and batch norm's affine pair included: counted in the
/// authors' public code.
#[test]
fn parameter_counts_are_those_of_the_authors_code() {
    let counts = [
        ("mlp", 96_137),
        ("mlp-ws", 103_103),
        ("mlp-al", 137_141),
        ("mlp-ws-al", 79_439),
        ("lenet5", 30_841),
        ("lenet5-ws", 41_113),
        ("lenet5-al", 84_093),
        ("lenet5-ws-al", 52_631),
    ];
    assert_eq!(names().collect::<Vec<_>>(), counts.map(|(name, _)| name));
    for (name, count) in counts {
        let network = network(name, Kernels::Fused);
        assert_eq!(network.parameter_count(), count, "{name}");
        let parameters = network.parameters().into_iter();
        assert_eq!(parameters.map(|(_, var)| var.elem_count()).sum::<usize>(), count, "{name}");
    }
}

#[test]
fn names_tell_backbone_sharing_and_auxiliary_loss() {
    for variant in variants() {
        let sharing = if variant.weight_sharing { "-ws" } else { "" };
        let auxiliary = if variant.auxiliary_loss { "-al" } else { "" };
        assert_eq!(variant.name, format!("{}{sharing}{auxiliary}", variant.backbone));
        variant.check().unwrap();
    }
}

#[test]
fn an_unknown_name_is_told_the_known_ones() {
    let error = variant("lenet").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no variant 'lenet'; the variants are mlp, mlp-ws, mlp-al, mlp-ws-al, lenet5, \
         lenet5-ws, lenet5-al, lenet5-ws-al"
    );
}

/// Of U(−b, b) with b = 1/√fan_in the standard deviation is b/√3.
#[test]
fn initial_weights_are_pytorchs() {
    let network = network("lenet5-ws-al", Kernels::Fused);
    let parameters: HashMap<_, _> = network.parameters().into_iter().collect();
    let fan_ins =
        [("branch.1.weight", 16 * 9), ("branch.2.weight", 32 * 4), ("comparator.1.weight", 200)];
    for (name, fan_in) in fan_ins {
        let weight = parameters[name].flatten_all().unwrap();
        let bound = 1.0 / (fan_in as f64).sqrt();
        let number =
            |tensor: Result<Tensor>| f64::from(tensor.unwrap().to_scalar::<f32>().unwrap());
        let largest = number(weight.abs().unwrap().max(0));
        assert!(largest <= bound && largest > 0.99 * bound, "{name}: {largest}, bound {bound}");
        let deviation = number(weight.var(0)).sqrt();
        // 4,608 values at least: a standard error of 0.7 % of the deviation.
        assert!((deviation / (bound / 3f64.sqrt()) - 1.0).abs() < 0.03, "{name}: {deviation}");
    }
    let biases = parameters["branch.2.bias"].to_vec1::<f32>().unwrap();
    assert!(biases.iter().any(|&bias| bias != 0.0));
    assert_eq!(parameters["branch.3.batch_norm.weight"].to_vec1::<f32>().unwrap(), [1.0; 84]);
    assert_eq!(parameters["branch.3.batch_norm.bias"].to_vec1::<f32>().unwrap(), [0.0; 84]);
}

#[test]
fn same_generator_same_weights() {
    let weights = || {
        let network = network("mlp-al", Kernels::Fused);
        let parameters = network.parameters();
        parameters
            .iter()
            .map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(weights(), weights());
}

#[test]
fn every_variant_gives_logits_of_the_right_shape() {
    for variant in variants() {
        for kernels in [Kernels::Fused, Kernels::Composed] {
            let mut network = network(&variant.name, kernels);
            let trained = network.train(&images(3), &mut AllOnes).unwrap();
            let evaluated = network.evaluate(&images(1)).unwrap();
            assert_eq!(trained.logits.dims(), [3], "{}", variant.name);
            assert_eq!(evaluated.logits.dims(), [1], "{}", variant.name);
            let digits = trained.digit_logits.map(|logits| logits.dims().to_vec());
            assert_eq!(digits, variant.auxiliary_loss.then(|| vec![2, 3, 10]), "{}", variant.name);
        }
    }
}

/// The gradient of every parameter, as bits, for a loss that depends on all outputs.
fn gradients(variant: &Architecture, kernels: Kernels, pairs: usize) -> Vec<Vec<u32>> {
    let mut network = network(&variant.name, kernels);
    let outputs = network.train(&images(pairs), &mut AllOnes).unwrap();
    let mut loss = outputs.logits.sqr().unwrap().sum_all().unwrap();
    if let Some(digits) = &outputs.digit_logits {
        loss = (loss + digits.sqr().unwrap().sum_all().unwrap()).unwrap();
    }
    let gradients = outputs.backward(&loss).unwrap();
    let of = |variable| gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1::<f32>();
    let parameters = network.parameters().into_iter();
    parameters.map(|(_, var)| of(var).unwrap().into_iter().map(f32::to_bits).collect()).collect()
}

/// From one thread to 32, with batches from one of two pairs to one of some thousands, as the last of an
/// epoch may be short.
#[test]
fn every_parameter_has_a_gradient_and_the_number_of_threads_does_not_change_it() {
    let cases = [(60, &[2, 3, 32][..]), (2, &[2, 7]), (17, &[2, 5]), (133, &[3, 16]), (2049, &[2])];
    for variant in variants() {
        for (pairs, numbers) in cases {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| gradients(variant, Kernels::Fused, pairs))
            };
            let alone = on(1);
            let all = alone.iter().all(|gradient| gradient.iter().any(|&bits| bits != 0));
            assert!(all || pairs == 2, "{} of {pairs} pairs", variant.name);
            for &threads in numbers {
                assert!(on(threads) == alone, "{}, {pairs} pairs, {threads} threads", variant.name);
            }
        }
    }
}

/// A shared branch says the same of a digit in either place; two branches do not.
#[test]
fn a_shared_branch_does_not_care_where_a_digit_stands() {
    let images = images(4);
    let swapped =
        Tensor::cat(&[images.narrow(1, 1, 1).unwrap(), images.narrow(1, 0, 1).unwrap()], 1)
            .unwrap();
    for name in ["mlp-al", "mlp-ws-al", "lenet5-al", "lenet5-ws-al"] {
        let network = network(name, Kernels::Fused);
        let digits = |images: &Tensor| network.evaluate(images).unwrap().digit_logits.unwrap();
        let (first, second) = (digits(&images).get(0).unwrap(), digits(&swapped).get(1).unwrap());
        let difference = (first - second).unwrap().abs().unwrap().max_all().unwrap();
        let same = difference.to_scalar::<f32>().unwrap() < 1e-4;
        assert_eq!(same, name.contains("-ws"), "{name}");
    }
}

/// Batch norm in a shared branch sees two batches: the second digits leave the first ones alone.
#[test]
fn a_shared_branch_normalises_first_and_second_digits_apart() {
    let images = images(4);
    let other_second = {
        let first = images.narrow(1, 0, 1).unwrap();
        let second = images.narrow(1, 1, 1).unwrap().affine(0.1, 0.0).unwrap();
        Tensor::cat(&[first, second], 1).unwrap()
    };
    let first_digits = |images: &Tensor| {
        let outputs = network("lenet5-ws-al", Kernels::Fused).train(images, &mut AllOnes).unwrap();
        outputs.digit_logits.unwrap().get(0).unwrap().to_vec2::<f32>().unwrap()
    };
    assert_eq!(first_digits(&images), first_digits(&other_second));
}

/// Evaluation reads the running statistics that training left, and leaves them alone.
#[test]
fn evaluation_has_gradients_too() {
    for variant in variants() {
        let gradients = [Kernels::Fused, Kernels::Composed].map(|kernels| {
            let network = network(&variant.name, kernels);
            let outputs = network.evaluate(&images(3)).unwrap();
            let gradients = outputs.backward(&outputs.logits.sum_all().unwrap()).unwrap();
            let weight = gradients.get(network.parameters()[0].1).unwrap();
            weight.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        });
        let largest = gradients[1].iter().fold(0f32, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.0, "{}", variant.name);
        for (fused, composed) in gradients[0].iter().zip(&gradients[1]) {
            assert!((fused - composed).abs() <= 1e-4 * largest, "{}", variant.name);
        }
    }
}

#[test]
fn evaluation_changes_nothing() {
    let mut network = network("mlp", Kernels::Fused);
    network.train(&images(8), &mut AllOnes).unwrap();
    let running = |network: &Network| {
        let all = network.running_statistics();
        all.iter()
            .map(|(_, r)| r.mean.mean(D::Minus1).unwrap().to_scalar::<f32>().unwrap())
            .collect::<Vec<_>>()
    };
    let before = running(&network);
    let logits =
        |network: &Network| network.evaluate(&images(5)).unwrap().logits.to_vec1::<f32>().unwrap();
    assert_eq!(logits(&network), logits(&network));
    assert_eq!(running(&network), before);
}
