//! The learning rate of each step.

use std::f64::consts::PI;

use crate::choices::Schedule;
use crate::recipe::Recipe;

/// The learning rate of each step of a run.
///
/// With warm-up of W steps, step s of these, from 0, has the share (s + 1) / W of the learning rate,
/// as [`LinearLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html)
/// from 1 / W to 1 in W − 1 steps (Goyal et al., 2017). The schedule goes over the T steps that are left:
///
/// - *cosine*: step t has the share (1 + cos(π t / T)) / 2, as
///   [`CosineAnnealingLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html)
///   (Loshchilov and Hutter, 2017, equation 5, without restarts).
/// - *one-cycle*: from 1/25 of the learning rate along half a cosine up to it at step 0.3 T − 1, and down
///   to 1/25 of 1/10,000 of it at step T − 1, as
///   [`OneCycleLR`](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html)
///   with its defaults, but for momentum, which stays as it is (Smith and Topin, 2019).
///
/// ```
/// use pairnet_training::{LearningRate, Recipe, Schedule};
///
/// let recipe = Recipe { schedule: Schedule::Cosine, epochs: 10, ..Recipe::paper() };
/// let rate = LearningRate::of(&recipe, 5); // five batches an epoch
/// assert_eq!(rate.at(0), 0.01);
/// assert!((rate.at(25) - 0.005).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    largest: f64,
    schedule: Schedule,
    warm_up: usize,
    steps: usize,
}

/// One-cycle: the share of the steps that rise, what the first rate is divided by, and the last one again.
const RISING: f64 = 0.3;
const FIRST: f64 = 25.0;
const LAST: f64 = 1e4;

impl LearningRate {
    /// That of a run by `recipe`, whose epochs have this many batches.
    pub fn of(recipe: &Recipe, batches: usize) -> Self {
        let Recipe { learning_rate: largest, schedule, epochs, .. } = *recipe;
        Self { largest, schedule, warm_up: recipe.warm_up * batches, steps: epochs * batches }
    }

    /// Whether it is the same at each step.
    pub fn is_constant(&self) -> bool {
        self.schedule == Schedule::Constant && self.warm_up == 0
    }

    /// That of one step of the run, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        if step < self.warm_up {
            return self.largest * (step + 1) as f64 / self.warm_up as f64;
        }
        let (t, steps) = ((step - self.warm_up) as f64, (self.steps - self.warm_up) as f64);
        match self.schedule {
            Schedule::Constant => self.largest,
            Schedule::Cosine => along_cosine(self.largest, 0.0, t / steps),
            Schedule::OneCycle => {
                let first = self.largest / FIRST;
                let (top, end) = (RISING * steps - 1.0, steps - 1.0);
                if t <= top {
                    along_cosine(first, self.largest, t / top)
                } else {
                    along_cosine(self.largest, first / LAST, (t - top) / (end - top))
                }
            }
        }
    }
}

/// From `start` to `end` along half a cosine, as far as `share`, 0 to 1.
fn along_cosine(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * share).cos()) / 2.0
}
