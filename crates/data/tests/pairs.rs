//! Properties of pairs, and the shipped data.

use std::collections::HashSet;
use std::sync::OnceLock;

use pairnet_data::{Digits, Mnist, PairSet, draw_pairs, pool};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

fn draw(digits: &Digits, count: usize, seed: u64) -> PairSet {
    draw_pairs(digits, count, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_digit_is_used_twice(seed: u64, count in 1usize..=5_000) {
        let pairs = draw(&mnist().test, count, seed);
        let used: HashSet<u32> = pairs.indices().iter().flatten().copied().collect();
        prop_assert_eq!(pairs.len(), count);
        prop_assert_eq!(used.len(), 2 * count);
        prop_assert!(used.iter().all(|&index| index < 10_000));
    }

    #[test]
    fn images_classes_and_targets_are_those_of_the_digits(seed: u64, train: bool) {
        let digits = if train { &mnist().train } else { &mnist().test };
        let pairs = draw(digits, 50, seed);
        for (pair, indices) in pairs.indices().iter().enumerate() {
            let classes = &pairs.classes()[2 * pair..][..2];
            for (place, &index) in indices.iter().enumerate() {
                let image = &pairs.images()[(2 * pair + place) * 196..][..196];
                prop_assert_eq!(classes[place], digits.label(index as usize));
                prop_assert!(pool(digits.image(index as usize)).eq(image.iter().copied()));
            }
            prop_assert_eq!(pairs.targets()[pair], u8::from(classes[0] <= classes[1]));
        }
    }

    #[test]
    fn same_seed_same_pairs_and_a_longer_draw_begins_alike(seed: u64) {
        let pairs = draw(&mnist().test, 40, seed);
        prop_assert_eq!(&pairs, &draw(&mnist().test, 40, seed));
        let longer = draw(&mnist().test, 60, seed);
        prop_assert_eq!(pairs.indices(), &longer.indices()[..40]);
        prop_assert_ne!(pairs, draw(&mnist().test, 40, seed.wrapping_add(1)));
    }
}

/// Every digit is drawn about equally often: χ² over the 20 digits of 10,000 draws of one pair,
/// 19 degrees of freedom, 43.8 at the 0.1 % point.
#[test]
fn draws_are_uniform() {
    let digits = Digits::new(vec![0; 20 * 784], vec![0; 20]).unwrap();
    let mut counts = [0f64; 20];
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..10_000 {
        let pairs = draw_pairs(&digits, 1, &mut rng).unwrap();
        pairs.indices()[0].iter().for_each(|&index| counts[index as usize] += 1.0);
    }
    let chi_squared: f64 = counts.iter().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
    assert!(chi_squared < 43.8, "χ² = {chi_squared}");
}

/// 0.55 = (1 + Σ p²)/2 for ten digits of about 10 % each.
#[test]
fn the_first_is_at_most_the_second_in_55_percent() {
    let targets = draw(&mnist().train, 30_000, 0);
    let ones = targets.targets().iter().filter(|&&target| target == 1).count();
    assert!((0.54..0.56).contains(&(ones as f64 / 30_000.0)), "{ones} of 30000");
}

#[test]
fn pooling_is_the_mean_of_four() {
    let mut image = [0; 784];
    (image[0], image[1], image[28], image[29]) = (255, 255, 255, 254);
    image[783] = 1;
    let pooled: Vec<f32> = pool(&image).collect();
    assert_eq!(pooled.len(), 196);
    assert_eq!((pooled[0], pooled[1], pooled[195]), (254.75, 0.0, 0.25));
}

#[test]
fn too_few_digits_are_an_error() {
    let digits = Digits::new(vec![0; 7 * 784], vec![0; 7]).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    assert_eq!(draw_pairs(&digits, 3, &mut rng).unwrap().len(), 3);
    let error = draw_pairs(&digits, 4, &mut rng).unwrap_err().to_string();
    assert_eq!(error, "4 pairs need 8 digits, there are 7");
}

#[test]
fn given_pairs_may_share_digits_but_not_go_past_the_last() {
    let digits = Digits::new(vec![0; 3 * 784], vec![3, 1, 2]).unwrap();
    let pairs = PairSet::of(&digits, vec![[0, 1], [1, 0], [2, 2]]).unwrap();
    assert_eq!(pairs.classes(), [3, 1, 1, 3, 2, 2]);
    assert_eq!(pairs.targets(), [0, 1, 1]);
    assert_eq!(pairs.images().len(), 3 * 2 * 196);
    assert!(PairSet::of(&digits, Vec::new()).unwrap().is_empty());
    let error = PairSet::of(&digits, vec![[0, 1], [2, 3]]).unwrap_err().to_string();
    assert_eq!(error, "pair 1 has digit 3, there are 3, counted from 0");
}
