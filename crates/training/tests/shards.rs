//! Shares of a plan: each network in one of them, and as much in each.

use std::collections::BTreeMap;

use pairnet_models::variants;
use pairnet_training::{Job, Plan, Recipe, Shard};
use proptest::prelude::*;

fn plan() -> impl Strategy<Value = Plan> {
    let epochs = proptest::collection::vec(1_usize..60, 1..4);
    let names = proptest::sample::subsequence((0..variants().len()).collect::<Vec<_>>(), 1..=5);
    (epochs, names, 1_usize..13).prop_map(|(epochs, names, runs)| {
        let recipe = |(index, epochs): (usize, usize)| Recipe {
            name: format!("cell-{index}"),
            epochs,
            ..Recipe::paper()
        };
        Plan {
            recipes: epochs.into_iter().enumerate().map(recipe).collect(),
            variants: names.into_iter().map(|index| variants()[index].clone()).collect(),
            runs,
            seed: 0,
        }
    })
}

fn shard(number: usize, of: usize) -> Shard {
    format!("{number}/{of}").parse().unwrap()
}

/// The arithmetic of one training, as the plan's documentation has it.
fn arithmetic(job: &Job<'_>) -> usize {
    let each = job.variant.multiply_adds().unwrap();
    let (epochs, pairs) = (job.recipe.epochs, job.recipe.pairs);
    pairs * (epochs * (each.forward + each.backward) + each.forward)
}

proptest! {
    /// Up to the plan's size and beyond it.
    #[test]
    fn shares_part_a_plan_evenly(plan in plan(), part in 0.0..1.3_f64) {
        let all = plan.jobs().count();
        let of = 1 + (part * all as f64) as usize;
        let shares: Vec<Vec<_>> =
            (1..=of).map(|number| plan.share(shard(number, of)).collect()).collect();

        let mut parted: Vec<_> = shares.iter().flatten().map(Job::coordinates).collect();
        let mut planned: Vec<_> = plan.jobs().collect();
        let longest = planned.iter().map(arithmetic).max().unwrap();
        planned.sort_by(|a, b| a.coordinates().cmp(&b.coordinates()));
        parted.sort_unstable();
        prop_assert_eq!(parted, planned.iter().map(Job::coordinates).collect::<Vec<_>>());

        let spread = |counts: &[usize]| counts.iter().max().unwrap() - counts.iter().min().unwrap();
        let sizes: Vec<usize> = shares.iter().map(Vec::len).collect();
        prop_assert!(spread(&sizes) <= 1, "{sizes:?}");
        let work: Vec<usize> = shares.iter().map(|jobs| jobs.iter().map(arithmetic).sum()).collect();
        prop_assert!(spread(&work) <= longest, "{work:?}, {longest}");
        let mut cells: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, share) in shares.iter().enumerate() {
            for job in share {
                let (recipe, variant, _) = job.coordinates();
                cells.entry((recipe, variant)).or_insert_with(|| vec![0; of])[index] += 1;
            }
        }
        for counts in cells.values() {
            prop_assert!(spread(counts) <= 1, "{counts:?}");
        }
    }
}

/// Which network is whose never changes: folders of an older program go on with a newer one.
#[test]
fn shares_are_fixed() {
    let variants = ["mlp", "lenet5"].map(|name| pairnet_models::variant(name).unwrap().clone());
    let plan =
        Plan { recipes: vec![Recipe::paper()], variants: variants.to_vec(), runs: 3, seed: 0 };
    let told = |number| {
        let jobs = plan.share(shard(number, 4));
        let told = jobs.map(|job| format!("{} {}", job.variant.name, job.run));
        told.collect::<Vec<_>>().join(", ")
    };
    // lenet5, which takes more arithmetic, is dealt first.
    assert_eq!([1, 2, 3, 4].map(told), ["mlp 1, lenet5 0", "mlp 2, lenet5 1", "lenet5 2", "mlp 0"]);
}

#[test]
fn what_is_no_share_is_refused() {
    for text in
        ["", "1", "0/3", "4/3", "-1/3", "1/0", "1/3/5", "a/b", "1 / 3", "1/99999999999999999999"]
    {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}
