//! A plan in shares, one for each of several machines.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use pairnet_data::Split;

use crate::folder::Status;
use crate::plan::{Job, Plan};

/// One of several shares of a plan's networks, counted from 1: as text `3/8`, the third of eight.
///
/// ```
/// use pairnet_training::Shard;
///
/// let third: Shard = "3/8".parse()?;
/// assert_eq!((third.number(), third.of(), third.to_string()), (3, 8, "3/8".to_owned()));
/// assert!("0/8".parse::<Shard>().is_err() && "9/8".parse::<Shard>().is_err());
/// # Ok::<(), pairnet_training::NoShard>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// What is no [`Shard`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no share: 3/8 is the third of eight, and the last is 8/8")]
pub struct NoShard {
    /// What was asked for.
    pub text: String,
}

impl Shard {
    /// The whole as its only share.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Which share, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many shares there are.
    pub fn of(self) -> usize {
        self.of
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        let there = |shard: &Self| (1..=shard.of).contains(&shard.number);
        numbers.filter(there).ok_or_else(|| NoShard { text: text.to_owned() })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Plan {
    /// All trainings in order, each with the number of the share that it belongs to, from 1 to `shards`.
    ///
    /// It follows from the plan alone. The networks of one recipe and variant differ by at most one
    /// between two shares, and so do all of them together. Trainings are dealt like cards, those
    /// with the most arithmetic first: so two shares differ by at most the longest training, as far as
    /// time follows from arithmetic.
    pub fn dealt(&self, shards: usize) -> impl Iterator<Item = (usize, Job<'_>)> {
        let places = self.places();
        let job = move |(index, job): (usize, _)| {
            let (cell, run) = (index / self.runs, index % self.runs);
            let place = places[cell].wrapping_mul(self.runs).wrapping_add(run);
            (place % shards.max(1) + 1, job)
        };
        self.jobs().enumerate().map(job)
    }

    /// The trainings of one share, in order; none where there are more shares than trainings.
    pub fn share(&self, shard: Shard) -> impl Iterator<Item = Job<'_>> {
        let own = move |(number, job)| (number == shard.number).then_some(job);
        self.dealt(shard.of).filter_map(own)
    }

    /// Of each recipe and variant, how many others come before it when trainings are dealt.
    fn places(&self) -> Vec<usize> {
        let cells = self.recipes.iter().flat_map(|recipe| {
            self.variants.iter().map(move |variant| Job { recipe, variant, run: 0 }.arithmetic())
        });
        let mut order: Vec<(usize, u128)> = cells.enumerate().collect();
        order.sort_by_key(|&(cell, arithmetic)| (Reverse(arithmetic), cell));
        let mut places = vec![0; order.len()];
        for (place, (cell, _)) in order.into_iter().enumerate() {
            places[cell] = place;
        }
        places
    }
}

impl Job<'_> {
    /// Multiplications with an addition; 0 for a network that cannot be trained.
    fn arithmetic(&self) -> u128 {
        let each = self.variant.multiply_adds().unwrap_or_default();
        let (trained, tested) =
            (self.recipe.pairs_of(Split::Train), self.recipe.pairs_of(Split::Test));
        let forward = each.forward as u128;
        let step = forward + each.backward as u128;
        self.recipe.epochs as u128 * trained as u128 * step + tested as u128 * forward
    }

    /// Names of recipe and variant, and the run.
    pub fn coordinates(&self) -> (&str, &str, usize) {
        (&self.recipe.name, &self.variant.name, self.run)
    }
}

impl<'a> Status<'a> {
    /// What of `plan`, whose status this is, is `shard`'s: and how many networks the other shares lack.
    pub fn of_share(self, plan: &Plan, shard: Shard) -> (Self, usize) {
        let jobs: Vec<Job<'_>> = plan.share(shard).collect();
        let share: HashSet<_> = jobs.iter().map(Job::coordinates).collect();
        let Self { sweep, missing, failed, .. } = self;
        let all = missing.len();
        let missing: Vec<Job<'a>> =
            missing.into_iter().filter(|job| share.contains(&job.coordinates())).collect();
        let failed = failed.into_iter().filter(|record| {
            share.contains(&(record.recipe.as_str(), record.variant.as_str(), record.run))
        });
        let (kept, others) = (share.len() - missing.len(), all - missing.len());
        (Self { sweep, kept, failed: failed.collect(), missing }, others)
    }
}
