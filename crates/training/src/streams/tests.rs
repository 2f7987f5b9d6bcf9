//! Streams depend on their names alone.

use candle_core::DType;
use pairnet_data::Digits;
use pairnet_models::variants;

use super::*;

fn named(name: &str) -> &'static Architecture {
    pairnet_models::variant(name).unwrap()
}

fn first_draw(id: RunId<'_>) -> [u32; 3] {
    [id.pair_stream(Split::Train).next_u32(), id.weights().next_u32(), id.masks().rng.next_u32()]
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
    let kept = mask.to_dtype(DType::F32).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    // Standard deviation of the mean: √(0.3 · 0.7 / 100 000) = 0.0014.
    assert!((kept - 0.3).abs() < 0.006, "kept {kept}");
}
