//! Batches, the last of which may be short, and other orders.

use pairnet_data::{Digits, PairSet, SIDE};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Digits that can be told from one another: each pixel has the digit's place.
fn digits(count: usize) -> Digits {
    let images = (0..count).flat_map(|place| [place as u8; SIDE * SIDE]).collect();
    Digits::new(images, (0..count).map(|place| (place % 10) as u8).collect()).unwrap()
}

fn pairs(count: usize) -> PairSet {
    let indices = (0..count as u32).map(|pair| [2 * pair + 1, 2 * pair]).collect();
    PairSet::of(&digits(2 * count), indices).unwrap()
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn classes_can_be_had_by_place() {
    let pairs = pairs(3);
    let batch = pairs.batches(2).next().unwrap();
    assert_eq!(batch.classes, [1, 0, 3, 2]);
    assert_eq!(batch.classes_by_place().collect::<Vec<_>>(), [1, 3, 0, 2]);
}

#[test]
fn nothing_has_no_batches() {
    assert_eq!(pairs(0).batches(5).len(), 0);
    assert_eq!(digits(0).batches(5).len(), 0);
    assert!(
        pairs(0).shuffled(&mut rng(0)).is_empty() && digits(0).shuffled(&mut rng(0)).is_empty()
    );
}

/// Orders must outlive compilers and crate versions: this is the order of version 0.1.0.
#[test]
fn an_order_is_fixed() {
    let shuffled = digits(10).shuffled(&mut rng(0));
    assert_eq!(shuffled.labels(), [6, 7, 1, 0, 2, 8, 5, 4, 3, 9]);
    assert_ne!(digits(10).shuffled(&mut rng(1)), shuffled);
}

proptest! {
    #[test]
    fn batches_are_the_set_in_its_order(count in 0..40_usize, size in prop_oneof![1..50_usize, Just(usize::MAX)]) {
        let (pairs, digits) = (pairs(count), digits(count));
        let (mut images, mut classes, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (index, batch) in pairs.batches(size).enumerate() {
            let n = batch.targets.len();
            prop_assert_eq!(n, size.min(count - index * size.min(count)));
            prop_assert_eq!((batch.images.len(), batch.classes.len()), (n * 2 * 196, n * 2));
            images.extend(batch.images);
            classes.extend(batch.classes);
            targets.extend(batch.targets);
        }
        prop_assert_eq!((&images[..], &classes[..], &targets[..]), (pairs.images(), pairs.classes(), pairs.targets()));
        let labels: Vec<u8> = digits.batches(size).flat_map(|batch| batch.labels).copied().collect();
        prop_assert_eq!(labels, digits.labels());
        prop_assert!(digits.batches(size).all(|b| b.images.len() == b.labels.len() * SIDE * SIDE));
    }

    /// Every pair is there once, with its own images, classes and target.
    #[test]
    fn an_order_takes_whole_pairs_and_digits(count in 0..40_usize, seed: u64) {
        let (pairs, digits) = (pairs(count), digits(count));
        let shuffled = pairs.shuffled(&mut rng(seed));
        prop_assert_eq!(&PairSet::of(&self::digits(2 * count), shuffled.indices().to_vec()).unwrap(), &shuffled);
        let mut indices = shuffled.indices().to_vec();
        indices.sort_unstable();
        let mut expected = pairs.indices().to_vec();
        expected.sort_unstable();
        prop_assert_eq!(indices, expected);
        let shuffled = digits.shuffled(&mut rng(seed));
        for place in 0..count {
            prop_assert_eq!(shuffled.image(place)[0] % 10, shuffled.label(place));
        }
        let mut places: Vec<u8> = (0..count).map(|place| shuffled.image(place)[783]).collect();
        places.sort_unstable();
        prop_assert_eq!(places, (0..count as u8).collect::<Vec<_>>());
    }
}
