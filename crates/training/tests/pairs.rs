//! The pairs that networks are trained and tested on with the recipe `authors`, from outside: by
//! what runs leave.

use std::sync::atomic::AtomicBool;

use candle_core::Device;
use pairnet_data::{Digits, Mnist, PairSet, Split, torch_pairs};
use pairnet_models::{Architecture, Kernels, variant};
use pairnet_training::{Finished, Recipe, Setup, run};

/// One epoch on all pairs, the third run of a sweep with seed 0.
fn train(variant: &Architecture, data: &Mnist) -> Finished {
    let recipe = Recipe { epochs: 1, ..Recipe::authors() };
    let setup =
        Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None };
    let mut finished =
        run(&recipe, variant, (2, 0), data, &setup, &AtomicBool::new(false)).unwrap();
    finished.record = finished.record.without_timing();
    finished
}

/// `digits`, of which only those of `pairs` are left: all others are black, and of class 0.
fn only(digits: &Digits, pairs: &PairSet) -> Digits {
    let mut images = vec![0; digits.images().len()];
    let mut labels = vec![0; digits.len()];
    for &index in pairs.indices().as_flattened() {
        let index = index as usize;
        images[index * 784..][..784].copy_from_slice(digits.image(index));
        labels[index] = digits.label(index);
    }
    Digits::new(images, labels).unwrap()
}

/// The draws of seed 0, whose checksums `pairnet-data` tests, in the order of the authors' program.
/// Which is whose is told by the names here, and by the variants' flags in the code.
#[test]
fn authors_with_seed_0_have_the_published_pairs() {
    let mnist = Mnist::shipped().unwrap();
    for (draw, kind) in ["", "-al", "-ws", "-ws-al"].into_iter().enumerate() {
        let pairs = |split| torch_pairs(&mnist, split, 1_000, (0, draw)).unwrap();
        let (train_pairs, test_pairs) = (pairs(Split::Train), pairs(Split::Test));
        let mut needed =
            Mnist::new(only(&mnist.train, &train_pairs), only(&mnist.test, &test_pairs));
        // What a record follows from is told by the checksums.
        needed.checksums = mnist.checksums.clone();
        for backbone in ["mlp", "lenet5"] {
            let variant = variant(&format!("{backbone}{kind}")).unwrap();
            let finished = train(variant, &mnist);
            let classes = &finished.predictions.as_ref().unwrap().classes;
            assert_eq!(classes.as_flattened(), test_pairs.classes(), "{}", variant.name);
            // The record and the predictions need no other digits, in these places.
            assert_eq!(train(variant, &needed), finished, "{}", variant.name);
        }
    }
}
