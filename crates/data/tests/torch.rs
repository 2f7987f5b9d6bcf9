//! PyTorch's permutations, and the pairs of its programs. `golden/README.md` tells how the golden
//! file was made.

use std::collections::HashSet;
use std::sync::OnceLock;

use pairnet_data::{Digits, Mnist, PairSet, Split, TorchGenerator, torch_pairs};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn mnist() -> &'static Mnist {
    static MNIST: OnceLock<Mnist> = OnceLock::new();
    MNIST.get_or_init(|| Mnist::shipped().unwrap())
}

/// Black digits of class 0.
fn blank(count: usize) -> Digits {
    Digits::new(vec![0; count * 784], vec![0; count]).unwrap()
}

/// Of the indices as little-endian u32, in order.
fn sha256(indices: &[u32]) -> String {
    let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pairs behind the paper's tables: what PyTorch 2.15 draws from seed 0, 1,000 pairs of each
/// split, four times (`vmous93/deep-learning-mini-projects`, folder `Project_1`, draws so).
const PUBLISHED: [[([u32; 4], &str); 2]; 4] = [
    [
        (
            [36_044, 10_678, 57_327, 55_074],
            "8ee937297414290c1ddd4c773a0cd8bda5179f771fc3273ca969891ea7b33956",
        ),
        (
            [7_953, 9_495, 6_723, 5_291],
            "ef492579b38a29a07ee924b70b33efc5879fbc7139dd07330a130be6ace6787f",
        ),
    ],
    [
        (
            [33_565, 26_405, 6_219, 11_982],
            "f3eba328b6847dd76bfd4d4c140778a6845187ba163cb13ca0783246245d9283",
        ),
        (
            [5_084, 5_130, 2_131, 4_510],
            "fcb87a078a89618a4ce2de29f2bdc2cea39d7e6b5878cae8909780ceee235a0c",
        ),
    ],
    [
        (
            [58_109, 29_261, 5_850, 44_002],
            "0144a93d5a1d01fc6561ecf67b410e6d7355b5f839c721806a153e2fe7cb4a54",
        ),
        (
            [7_144, 2_293, 5_264, 5_003],
            "7c47b7bc33f5ff6fc0ab1983467adb7d5934fec8e36c027106922eb2bffb4fc1",
        ),
    ],
    [
        (
            [31_823, 36_335, 42_201, 18_358],
            "84a6ebe3a020e14a3c7fe78dc92d454ac220f880b676127986b50dd9f2c97dec",
        ),
        (
            [3_663, 1_935, 4_866, 6_918],
            "e589dc1aa680f513d994b260784d7ed18bafb145ede85cbf89a9cd636bd2946a",
        ),
    ],
];

#[test]
fn published_pairs_are_drawn_again() {
    for (draw, splits) in PUBLISHED.iter().enumerate() {
        for (split, (first, checksum)) in [Split::Train, Split::Test].into_iter().zip(splits) {
            let pairs = torch_pairs(mnist(), split, 1_000, (0, draw)).unwrap();
            let indices = pairs.indices().as_flattened();
            assert_eq!(indices[..4], *first, "draw {draw}, {split:?}");
            assert_eq!(sha256(indices), *checksum, "draw {draw}, {split:?}");
            assert_eq!(indices.iter().collect::<HashSet<_>>().len(), 2_000);
            assert_eq!(PairSet::of(mnist().split(split), pairs.indices().to_vec()).unwrap(), pairs);
        }
    }
}

#[test]
fn permutations_are_those_of_pytorch() {
    let golden = include_str!("golden/randperm.txt");
    let lines = golden.lines().filter(|line| !line.starts_with('#'));
    let mut checked = 0;
    let mut generator = (0, TorchGenerator::new(0));
    for line in lines {
        let mut words = line.split(' ');
        let seed: u64 = words.next().unwrap().parse().unwrap();
        let length: u32 = words.next().unwrap().parse().unwrap();
        let checksum = words.next().unwrap();
        let first: Vec<u32> = words.map(|word| word.parse().unwrap()).collect();
        if seed != generator.0 {
            generator = (seed, TorchGenerator::new(seed));
        }
        let permutation = generator.1.randperm(length);
        assert_eq!(permutation.iter().take(8).copied().collect::<Vec<_>>(), first, "{line}");
        assert_eq!(sha256(&permutation), checksum, "{line}");
        checked += 1;
    }
    assert_eq!(checked, 90);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_permutation_has_each_number_once(seed: u64, n in 0u32..3_000) {
        let mut permutation = TorchGenerator::new(seed).randperm(n);
        permutation.sort_unstable();
        prop_assert_eq!(permutation, (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn a_start_is_that_of_the_whole_and_leaves_the_generator_there(
        seed: u64,
        n in 0u32..3_000,
        count in 0usize..4_000,
    ) {
        let (mut whole, mut start) = (TorchGenerator::new(seed), TorchGenerator::new(seed));
        let expected = whole.randperm(n);
        prop_assert_eq!(start.randperm_start(n, count), &expected[..count.min(n as usize)]);
        prop_assert_eq!(start, whole);
    }

    #[test]
    fn a_seed_counts_in_its_low_32_bits(seed: u32, high: u32) {
        let high = u64::from(high) << 32 | u64::from(seed);
        let mut generator = TorchGenerator::new(u64::from(seed));
        prop_assert_eq!(&generator, &TorchGenerator::new(high));
        let other = TorchGenerator::new(u64::from(seed.wrapping_add(1))).randperm(1_000);
        prop_assert_ne!(generator.randperm(1_000), other);
    }

    /// Digits of any number, one draw after another from one generator.
    #[test]
    fn a_draw_does_not_depend_on_how_it_is_asked_for(
        seed: u64,
        lengths in (0usize..60, 0usize..60),
        draw in 0usize..5,
        counts in (0usize..30, 0usize..30),
    ) {
        let mnist = Mnist::new(blank(lengths.0), blank(lengths.1));
        let mut generator = TorchGenerator::new(seed);
        let mut permutations = Vec::new();
        for _ in 0..=draw {
            let mut next = |digits: &Digits| generator.randperm(digits.len() as u32);
            permutations = vec![next(&mnist.train), next(&mnist.test)];
        }
        let splits = [(Split::Train, counts.0), (Split::Test, counts.1)];
        for ((split, count), permutation) in splits.into_iter().zip(permutations) {
            let pairs = torch_pairs(&mnist, split, count, (seed, draw));
            if 2 * count > permutation.len() {
                prop_assert!(pairs.is_err());
            } else {
                let pairs = pairs.unwrap();
                prop_assert_eq!(pairs.indices().as_flattened(), &permutation[..2 * count]);
            }
        }
    }
}

#[test]
fn other_seeds_and_draws_have_other_pairs() {
    let mut seen = HashSet::new();
    for seed in [0, 1, 7, u64::from(u32::MAX)] {
        for draw in 0..4 {
            for split in [Split::Train, Split::Test] {
                let pairs = torch_pairs(mnist(), split, 1_000, (seed, draw)).unwrap();
                assert!(seen.insert(pairs.indices().to_vec()), "seed {seed}, draw {draw}");
            }
        }
    }
}

#[test]
fn too_few_digits_are_an_error_that_names_the_split() {
    let mnist = Mnist::new(blank(8), blank(7));
    assert_eq!(torch_pairs(&mnist, Split::Train, 4, (0, 0)).unwrap().len(), 4);
    let error = torch_pairs(&mnist, Split::Test, 4, (0, 0)).unwrap_err().to_string();
    assert_eq!(error, "test split: 4 pairs need 8 digits, there are 7");
}
