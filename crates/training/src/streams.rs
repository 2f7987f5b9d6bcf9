//! Random streams, each derived from the sweep's seed by name.
//!
//! A stream is ChaCha8 keyed with the SHA-256 of its name, so it depends on nothing but the name:
//! not on the clock, not on threads, not on what else is trained.

use candle_core::{Device, Result, Shape, Tensor};
use pairnet_models::Masks;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::recipe::{PairDraw, Recipe};

/// What singles out one training: its coordinates in a sweep.
#[derive(Clone, Copy, Debug)]
pub struct RunId<'a> {
    /// The sweep's seed.
    pub seed: u64,
    /// How the network is trained.
    pub recipe: &'a Recipe,
    /// The variant's name.
    pub variant: &'a str,
    /// Counted from 0.
    pub run: usize,
}

impl RunId<'_> {
    /// The stream that the pairs of `split` are drawn from: the same for all variants, and for all
    /// runs too where the recipe draws once.
    pub fn pairs(&self, split: &str) -> ChaCha8Rng {
        let run = match self.recipe.pair_draw {
            PairDraw::EachRun => self.run.to_string(),
            PairDraw::Once => "all".to_owned(),
        };
        stream(&["pairs", split, &self.seed.to_string(), &run])
    }

    /// The stream that initial weights are drawn from.
    pub fn weights(&self) -> ChaCha8Rng {
        self.own("weights")
    }

    /// The stream that dropout's masks are drawn from.
    pub fn masks(&self) -> DrawnMasks {
        DrawnMasks { rng: self.own("dropout") }
    }

    fn own(&self, purpose: &str) -> ChaCha8Rng {
        let (seed, run) = (self.seed.to_string(), self.run.to_string());
        stream(&[purpose, &seed, self.recipe.name, self.variant, &run])
    }
}

fn stream(name: &[&str]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    for part in name {
        // The length first, so that no two names run into the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// Dropout masks drawn from a stream: 16 random bits a value, so that a probability is kept to
/// within 1/65,536.
#[derive(Clone, Debug)]
pub struct DrawnMasks {
    rng: ChaCha8Rng,
}

/// Words of the stream, of 32 bits, that are drawn at a time.
const WORDS: usize = 512;

impl Masks for DrawnMasks {
    fn draw(&mut self, shape: &Shape, probability: f64) -> Result<Tensor> {
        let threshold = (probability * 2f64.powi(16)).round() as u32;
        let kept = |draw: [u8; 2]| u8::from(u32::from(u16::from_le_bytes(draw)) >= threshold);
        let mut mask = vec![0; shape.elem_count()];
        let start = self.rng.get_word_pos();
        // The stream tells what comes at any place, so each thread can draw a part of it.
        let words = mask.len().div_ceil(2).div_ceil(rayon::current_num_threads()).max(WORDS);
        mask.par_chunks_mut(2 * words).enumerate().for_each(|(part, mask)| {
            let mut rng = self.rng.clone();
            rng.set_word_pos(start + (part * words) as u128);
            let mut bytes = [0; 4 * WORDS];
            for mask in mask.chunks_mut(2 * WORDS) {
                let bytes = &mut bytes[..2 * mask.len()];
                rng.fill_bytes(bytes);
                let (draws, _) = bytes.as_chunks::<2>();
                mask.iter_mut().zip(draws).for_each(|(mask, &draw)| *mask = kept(draw));
            }
        });
        self.rng.set_word_pos(start + mask.len().div_ceil(2) as u128);
        Tensor::from_vec(mask, shape, &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;

    fn first_draw(id: RunId<'_>) -> [u32; 3] {
        [id.pairs("train").next_u32(), id.weights().next_u32(), id.masks().rng.next_u32()]
    }

    /// Streams must outlive compilers and crate versions: these are the values of version 0.1.0.
    #[test]
    fn streams_are_fixed() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: "mlp", run: 0 };
        assert_eq!(first_draw(id), [2_287_572_242, 2_415_658_846, 1_061_936_022]);
    }

    #[test]
    fn pairs_depend_on_seed_and_run_alone() {
        let (paper, authors) = (Recipe::paper(), Recipe::authors());
        let id = RunId { seed: 3, recipe: &paper, variant: "mlp", run: 1 };
        let draw = |id: RunId<'_>| id.pairs("train").next_u64();
        assert_eq!(draw(id), draw(RunId { variant: "lenet5", ..id }));
        assert_ne!(draw(id), draw(RunId { run: 2, ..id }));
        assert_ne!(draw(id), draw(RunId { seed: 4, ..id }));
        assert_ne!(draw(id), id.pairs("test").next_u64());
        let once = RunId { recipe: &authors, ..id };
        assert_eq!(draw(once), draw(RunId { run: 2, ..once }));
    }

    #[test]
    fn weights_and_masks_depend_on_everything() {
        let (paper, authors) = (Recipe::paper(), Recipe::authors());
        let id = RunId { seed: 0, recipe: &paper, variant: "mlp", run: 0 };
        let others = [
            RunId { seed: 1, ..id },
            RunId { recipe: &authors, ..id },
            RunId { variant: "mlp-ws", ..id },
            RunId { run: 1, ..id },
        ];
        for other in others {
            assert_ne!(id.weights().next_u64(), other.weights().next_u64());
            assert_ne!(id.masks().rng.next_u64(), other.masks().rng.next_u64());
        }
        assert_ne!(id.weights().next_u64(), id.masks().rng.next_u64());
    }

    #[test]
    fn masks_are_16_bits_a_value() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: "mlp-al", run: 0 };
        let mask = id.masks().draw(&Shape::from(1000), 0.5).unwrap().to_vec1::<u8>().unwrap();
        let mut rng = id.masks().rng;
        let words = (0..500).map(|_| rng.next_u32());
        let halves = words.flat_map(|word| [word & 0xffff, word >> 16]);
        let kept = |half| if half < 1 << 15 { 0 } else { 1 };
        assert_eq!(mask, halves.map(kept).collect::<Vec<u8>>());
    }

    /// Parts drawn by threads, and the place where the next mask begins.
    #[test]
    fn masks_follow_each_other_in_the_stream() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: "mlp-al", run: 0 };
        let (mut masks, mut rng) = (id.masks(), id.masks().rng);
        for count in [10_001, 7, 2 * 2 * WORDS, 3] {
            let found = masks.draw(&Shape::from(count), 0.5).unwrap().to_vec1::<u8>().unwrap();
            let words: Vec<u32> = (0..count.div_ceil(2)).map(|_| rng.next_u32()).collect();
            let halves = words.iter().flat_map(|word| [word & 0xffff, word >> 16]);
            let kept = |half| if half < 1 << 15 { 0 } else { 1 };
            assert_eq!(found, halves.take(count).map(kept).collect::<Vec<u8>>(), "{count} values");
        }
    }

    #[test]
    fn masks_drop_with_their_probability() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: "mlp-al", run: 0 };
        let mask = id.masks().draw(&Shape::from((200, 500)), 0.7).unwrap();
        let kept =
            mask.to_dtype(DType::F32).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
        // Standard deviation of the mean: √(0.3 · 0.7 / 100 000) = 0.0014.
        assert!((kept - 0.3).abs() < 0.006, "kept {kept}");
    }
}
