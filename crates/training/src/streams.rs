//! Everything random about a run, derived from the sweep's seed.
//!
//! A stream is ChaCha8 keyed with the SHA-256 of its name, so it depends on nothing but the name:
//! not on the clock, not on threads, not on what else is trained. Recipe and variant are part of the
//! name, unless the recipe has its random numbers in common with others ([`RandomNumbers`]). Pairs
//! alone may come from another generator, which the seed seeds ([`PairDraw`]).

use candle_core::{DType, Device, Shape, Tensor};
use pairnet_data::{DataError, Mnist, PairSet, Split, draw_pairs, torch_pairs};
use pairnet_models::{Architecture, Kernels, Masks, ModelError, Network};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::choices::{PairDraw, RandomNumbers};
use crate::recipe::Recipe;

/// What singles out one training: its coordinates in a sweep.
#[derive(Clone, Copy, Debug)]
pub struct RunId<'a> {
    /// The sweep's seed.
    pub seed: u64,
    /// How the network is trained.
    pub recipe: &'a Recipe,
    /// Which network.
    pub variant: &'a Architecture,
    /// Counted from 0.
    pub run: usize,
}

impl RunId<'_> {
    /// The pairs of one split, drawn as the recipe says.
    ///
    /// # Errors
    ///
    /// Where the split has fewer than two digits a pair.
    pub fn pairs(&self, data: &Mnist, split: Split) -> Result<PairSet, DataError> {
        let count = self.recipe.pairs_of(split);
        match self.recipe.pair_draw {
            PairDraw::EachRun => draw_pairs(data.split(split), count, &mut self.pair_stream(split))
                .map_err(|error| error.of_split(split)),
            PairDraw::PytorchOncePerKind => {
                torch_pairs(data, split, count, (self.seed, self.kind()))
            }
        }
    }

    /// The stream that pairs are drawn from where each run draws its own: the same for all variants.
    fn pair_stream(&self, split: Split) -> ChaCha8Rng {
        stream(&["pairs", split.name(), &self.seed.to_string(), &self.run.to_string()])
    }

    /// The variant's kind, in the order in which the authors' program draws their pairs: basic,
    /// auxiliary loss, weight sharing, both.
    fn kind(&self) -> usize {
        2 * usize::from(self.variant.weight_sharing) + usize::from(self.variant.auxiliary_loss)
    }

    /// The stream that initial weights are drawn from, where each network has its own.
    pub fn weights(&self) -> ChaCha8Rng {
        self.own("weights", &[])
    }

    /// The network with its initial weights.
    ///
    /// With [`RandomNumbers::Common`] each tensor has a stream of its own, named as the tensor is: so it
    /// is the same in all networks that have it, of one branch for both digits and of one for each.
    ///
    /// # Errors
    ///
    /// Where the sizes of the network do not fit each other, or the device has no memory left.
    pub fn network(&self, kernels: Kernels, device: &Device) -> Result<Network, ModelError> {
        let (variant, dtype) = (self.variant, DType::F32);
        match self.recipe.random_numbers {
            RandomNumbers::Own => {
                Network::new(variant, kernels, &mut self.weights(), dtype, device)
            }
            RandomNumbers::Common => {
                let rng = |name: &str| {
                    let shared = name.strip_prefix("branch0.").map(|name| format!("branch.{name}"));
                    self.common("weights", &[shared.as_deref().unwrap_or(name)])
                };
                Network::new_by_name(variant, kernels, rng, dtype, device)
            }
        }
    }

    /// The stream that dropout's masks are drawn from.
    pub fn masks(&self) -> DrawnMasks {
        DrawnMasks { rng: self.of_run("dropout", &[]) }
    }

    /// The stream that the order of an epoch's training pairs is drawn from.
    pub(crate) fn order(&self, epoch: usize) -> ChaCha8Rng {
        self.of_run("order", &[&epoch.to_string()])
    }

    /// The run's own stream for a purpose, or the one that it shares with the same run of others.
    fn of_run(&self, purpose: &str, rest: &[&str]) -> ChaCha8Rng {
        match self.recipe.random_numbers {
            RandomNumbers::Own => self.own(purpose, rest),
            RandomNumbers::Common => self.common(purpose, rest),
        }
    }

    fn own(&self, purpose: &str, rest: &[&str]) -> ChaCha8Rng {
        let (seed, run) = (self.seed.to_string(), self.run.to_string());
        let own = [purpose, &seed, &self.recipe.name, &self.variant.name, &run];
        stream(&[&own, rest].concat())
    }

    fn common(&self, purpose: &str, rest: &[&str]) -> ChaCha8Rng {
        let (seed, run) = (self.seed.to_string(), self.run.to_string());
        stream(&[&["common", purpose, &seed, &run], rest].concat())
    }
}

pub(crate) fn stream(name: &[&str]) -> ChaCha8Rng {
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

impl DrawnMasks {
    /// How many words of the stream have been drawn.
    pub(crate) fn place(&self) -> u128 {
        self.rng.get_word_pos()
    }

    pub(crate) fn go_to(&mut self, place: u128) {
        self.rng.set_word_pos(place);
    }
}

/// Words of the stream, of 32 bits, that are drawn at a time.
const WORDS: usize = 512;

impl Masks for DrawnMasks {
    fn draw(&mut self, shape: &Shape, probability: f64) -> candle_core::Result<Tensor> {
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
mod tests;
