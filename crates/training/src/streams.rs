//! Everything random about a run, derived from the sweep's seed.
//!
//! A stream is ChaCha8 keyed with the SHA-256 of its name, so it depends on nothing but the name:
//! not on the clock, not on threads, not on what else is trained. Recipe and variant are part of the
//! name, unless the recipe has its random numbers in common with others ([`RandomNumbers`]). Pairs alone may come from another
//! generator, which the seed seeds ([`PairDraw`]).

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
mod tests {
    use candle_core::DType;
    use pairnet_data::Digits;
    use pairnet_models::variants;

    use super::*;

    fn named(name: &str) -> &'static Architecture {
        pairnet_models::variant(name).unwrap()
    }

    fn first_draw(id: RunId<'_>) -> [u32; 3] {
        [
            id.pair_stream(Split::Train).next_u32(),
            id.weights().next_u32(),
            id.masks().rng.next_u32(),
        ]
    }

    /// Streams must outlive compilers and crate versions: these are the values of version 0.1.0.
    #[test]
    fn streams_are_fixed() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp"), run: 0 };
        assert_eq!(first_draw(id), [2_287_572_242, 2_415_658_846, 1_061_936_022]);
    }

    #[test]
    fn pair_streams_depend_on_split_seed_and_run_alone() {
        let (paper, authors) = (Recipe::paper(), Recipe::authors());
        let id = RunId { seed: 3, recipe: &paper, variant: named("mlp"), run: 1 };
        let draw = |id: RunId<'_>| id.pair_stream(Split::Train).next_u64();
        assert_eq!(draw(id), draw(RunId { variant: named("lenet5-ws"), ..id }));
        assert_eq!(draw(id), draw(RunId { recipe: &authors, ..id }));
        assert_ne!(draw(id), draw(RunId { run: 2, ..id }));
        assert_ne!(draw(id), draw(RunId { seed: 4, ..id }));
        assert_ne!(draw(id), id.pair_stream(Split::Test).next_u64());
    }

    /// A hundred digits of each split, for five pairs.
    fn pairs(id: RunId<'_>, split: Split) -> Vec<[u32; 2]> {
        let digits = |count| Digits::new(vec![0; count * 784], vec![0; count]).unwrap();
        let recipe = Recipe { pairs: 5, ..id.recipe.clone() };
        let data = Mnist::new(digits(100), digits(100));
        RunId { recipe: &recipe, ..id }.pairs(&data, split).unwrap().indices().to_vec()
    }

    #[test]
    fn each_run_of_paper_has_its_own_pairs_for_all_variants() {
        let paper = Recipe::paper();
        let id = RunId { seed: 3, recipe: &paper, variant: named("mlp"), run: 1 };
        for split in [Split::Train, Split::Test] {
            let first = pairs(id, split);
            for variant in variants() {
                assert_eq!(pairs(RunId { variant, ..id }, split), first, "{}", variant.name);
            }
            assert_ne!(pairs(RunId { run: 2, ..id }, split), first);
            assert_ne!(pairs(RunId { seed: 4, ..id }, split), first);
        }
    }

    /// Two variants share their pairs where they differ in the backbone alone, whatever the run.
    #[test]
    fn each_kind_of_authors_has_its_own_pairs_for_all_runs() {
        let authors = Recipe::authors();
        for split in [Split::Train, Split::Test] {
            for (index, variant) in variants().iter().enumerate() {
                let id = RunId { seed: 3, recipe: &authors, variant, run: 1 };
                let here = pairs(id, split);
                assert_eq!(pairs(RunId { run: 2, ..id }, split), here);
                assert_ne!(pairs(RunId { seed: 4, ..id }, split), here);
                for other in &variants()[..index] {
                    let flags =
                        |variant: &Architecture| (variant.weight_sharing, variant.auxiliary_loss);
                    let same = pairs(RunId { variant: other, ..id }, split) == here;
                    let names = (&variant.name, &other.name);
                    assert_eq!(same, flags(variant) == flags(other), "{names:?}");
                }
            }
        }
    }

    #[test]
    fn too_few_digits_are_an_error_that_names_the_split() {
        let digits = |count| Digits::new(vec![0; count * 784], vec![0; count]).unwrap();
        let data = Mnist::new(digits(2_000), digits(1_999));
        for recipe in Recipe::all() {
            let id = RunId { seed: 0, recipe: &recipe, variant: named("mlp"), run: 0 };
            assert_eq!(id.pairs(&data, Split::Train).unwrap().len(), 1_000);
            let error = id.pairs(&data, Split::Test).unwrap_err().to_string();
            assert_eq!(error, "test split: 1000 pairs need 2000 digits, there are 1999");
        }
    }

    #[test]
    fn weights_and_masks_depend_on_everything() {
        let (paper, authors) = (Recipe::paper(), Recipe::authors());
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp"), run: 0 };
        let others = [
            RunId { seed: 1, ..id },
            RunId { recipe: &authors, ..id },
            RunId { variant: named("mlp-ws"), ..id },
            RunId { run: 1, ..id },
        ];
        for other in others {
            assert_ne!(id.weights().next_u64(), other.weights().next_u64());
            assert_ne!(id.masks().rng.next_u64(), other.masks().rng.next_u64());
        }
        assert_ne!(id.weights().next_u64(), id.masks().rng.next_u64());
    }

    fn state(id: RunId<'_>) -> std::collections::HashMap<String, Vec<f32>> {
        let network = id.network(Kernels::Fused, &Device::Cpu).unwrap();
        let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
        network.state().unwrap().into_iter().map(|(name, t)| (name, values(t))).collect()
    }

    #[test]
    fn common_random_numbers_are_the_same_in_all_networks_that_have_the_layer() {
        let paper = Recipe { random_numbers: RandomNumbers::Common, ..Recipe::paper() };
        let other = Recipe { name: "other".to_owned(), epochs: 3, ..paper.clone() };
        let id = RunId { seed: 3, recipe: &paper, variant: named("mlp-ws-al"), run: 1 };
        let shared = state(id);
        assert_eq!(shared, state(RunId { recipe: &other, ..id }));
        let apart = state(RunId { variant: named("mlp-al"), ..id });
        for (name, values) in &shared {
            let name = name.replace("branch.", "branch0.");
            assert_eq!(&apart[&name], values, "{name}");
        }
        assert_ne!(apart["branch0.0.weight"], apart["branch1.0.weight"]);
        assert_ne!(shared, state(RunId { run: 2, ..id }));
        assert_ne!(shared, state(RunId { seed: 4, ..id }));

        let draws = |id: RunId<'_>| [id.masks().rng.next_u64(), id.order(2).next_u64()];
        assert_eq!(draws(id), draws(RunId { recipe: &other, variant: named("lenet5"), ..id }));
        assert_ne!(draws(id), draws(RunId { run: 2, ..id }));
        let own = Recipe::paper();
        let of_its_own = draws(RunId { recipe: &own, ..id });
        assert_ne!(draws(id), of_its_own);
        assert_ne!(draws(RunId { recipe: &own, variant: named("lenet5"), ..id }), of_its_own);
    }

    #[test]
    fn each_epoch_has_an_order_of_its_own() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp"), run: 0 };
        assert_eq!(id.order(3).next_u64(), id.order(3).next_u64());
        assert_ne!(id.order(3).next_u64(), id.order(4).next_u64());
        assert_ne!(id.order(3).next_u64(), RunId { run: 1, ..id }.order(3).next_u64());
    }

    /// More training pairs are the same ones and others.
    #[test]
    fn fewer_training_pairs_are_the_first_ones() {
        let (paper, few) = (Recipe::paper(), Recipe { training_pairs: Some(7), ..Recipe::paper() });
        let digits = |count| Digits::new(vec![0; count * 784], vec![0; count]).unwrap();
        let data = Mnist::new(digits(3_000), digits(2_000));
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp"), run: 0 };
        let indices =
            |recipe, split| RunId { recipe, ..id }.pairs(&data, split).unwrap().indices().to_vec();
        assert_eq!(indices(&few, Split::Train), indices(&paper, Split::Train)[..7]);
        assert_eq!(indices(&few, Split::Test), indices(&paper, Split::Test));
    }

    #[test]
    fn masks_are_16_bits_a_value() {
        let paper = Recipe::paper();
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp-al"), run: 0 };
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
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp-al"), run: 0 };
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
        let id = RunId { seed: 0, recipe: &paper, variant: named("mlp-al"), run: 0 };
        let mask = id.masks().draw(&Shape::from((200, 500)), 0.7).unwrap();
        let kept =
            mask.to_dtype(DType::F32).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
        // Standard deviation of the mean: √(0.3 · 0.7 / 100 000) = 0.0014.
        assert!((kept - 0.3).abs() < 0.006, "kept {kept}");
    }
}
