//! Gradients of a result that wait for each other, while candle's backward pass adds up what it is told of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use candle_core::{Device, Result, Tensor, bail};

use crate::backward::Level;
use crate::tape::sum;
use crate::threads::locked;

/// Who leaves gradients: an op, one for each argument that is this result, or candle's ops together.
#[derive(Clone, Default)]
pub(crate) struct Consumer(Arc<()>);

/// Gradients of one result, of all passes that have not come to it yet.
///
/// The passes of a thread are within each other like its calls: one begins and ends while another one waits. So a pass
/// finds its own gradients last.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Vec<Gradient>>);

struct Gradient {
    level: Level,
    /// Whom it is of, or whom it is the sum of.
    consumers: Vec<Weak<()>>,
    told: u64,
    values: Tensor,
}

/// Gradients that wait each for itself. Any more are added to the last one.
const MOST: usize = 8;

/// What candle is told: how many gradients there are, in units of this, and the sum of their numbers. Both are exact in
/// f64 for a million of them.
const ONE: u64 = 1 << 32;

impl Waiting {
    /// Lets a gradient wait. Returns what candle is to add up.
    pub(crate) fn push(&self, level: Level, consumer: &Consumer, values: Tensor) -> Result<Tensor> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        // Twelve bits that are hardly ever the same for two sets of gradients.
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (own, told) = (Arc::downgrade(&consumer.0), ONE + (number >> 52));
        let gradient = match self.last_of_many(level, &own) {
            None => Gradient { level, consumers: vec![own], told, values },
            // Not under the lock: a kernel may take up another pass meanwhile.
            Some(mut last) => {
                last.values = sum(&last.values, &values)?;
                last.consumers.push(own);
                Gradient { told: last.told + told, ..last }
            }
        };
        locked(&self.0).push(gradient);
        Tensor::new(told as f64, &Device::Cpu)
    }

    /// The last gradient there, where many wait and this consumer has no part in it. What nobody will come
    /// for is dropped: gradients of graphs that are gone, and the oldest of passes that failed over and over.
    fn last_of_many(&self, level: Level, consumer: &Weak<()>) -> Option<Gradient> {
        let mut all = locked(&self.0);
        all.retain(|gradient| gradient.consumers.iter().any(|it| it.strong_count() > 0));
        let is_own = |gradient: &Gradient| gradient.level == level;
        let is_of = |gradient: &Gradient| gradient.consumers.iter().any(|it| it.ptr_eq(consumer));
        if all.iter().filter(|gradient| is_own(gradient)).count() < MOST {
            return None;
        }
        let last = all.iter().rposition(is_own)?;
        if !is_of(&all[last]) {
            return Some(all.remove(last));
        }
        let before = all.iter().filter(|gradient| is_own(gradient) && is_of(gradient)).count();
        if before >= MOST {
            let oldest = all.iter().position(|gradient| is_own(gradient) && is_of(gradient))?;
            all.remove(oldest);
        }
        None
    }

    /// The sum of the gradients that candle has been told of.
    ///
    /// # Errors
    ///
    /// Where others are waiting: within an op of the caller's own, a pass through this result has failed.
    pub(crate) fn take(&self, level: Level, told: &Tensor) -> Result<Tensor> {
        let (expected, mut found) = (told.to_scalar::<f64>()? as u64, 0);
        let mut own = Vec::new();
        let mut all = locked(&self.0);
        while found < expected {
            let Some(last) = all.iter().rposition(|gradient| gradient.level == level) else {
                break;
            };
            let gradient = all.remove(last);
            found += gradient.told;
            own.push(gradient.values);
        }
        if found != expected {
            all.retain(|gradient| gradient.level != level);
            bail!("backward: gradients of a pass that failed are among those of this one");
        }
        drop(all);
        let Some(first) = own.pop() else { bail!("backward: a result has no gradient") };
        own.into_iter().rev().try_fold(first, |gradient, other| sum(&gradient, &other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(value: f32) -> Tensor {
        Tensor::new(&[value, -value], &Device::Cpu).unwrap()
    }

    /// Lets a gradient wait for each value and consumer; returns what candle adds up.
    fn told<'a>(waiting: &Waiting, of: impl IntoIterator<Item = (f32, &'a Consumer)>) -> Tensor {
        let told = of.into_iter().map(|(value, consumer)| {
            waiting.push(Level::of_ops(), consumer, gradient(value)).unwrap()
        });
        told.reduce(|sum, told| (sum + told).unwrap()).unwrap()
    }

    fn taken(waiting: &Waiting, told: &Tensor) -> Result<Vec<f32>> {
        waiting.take(Level::of_ops(), told)?.to_vec1()
    }

    #[test]
    fn many_consumers_take_the_memory_of_few() {
        let (waiting, consumers) = (Waiting::default(), [(); 100].map(|()| Consumer::default()));
        let told = told(&waiting, consumers.iter().map(|consumer| (1.0, consumer)));
        assert_eq!(locked(&waiting.0).len(), MOST);
        assert_eq!(taken(&waiting, &told).unwrap(), [100.0, -100.0]);
        assert!(locked(&waiting.0).is_empty());
    }

    #[test]
    fn a_pass_within_another_finds_its_own() {
        let (waiting, [a, b]) = (Waiting::default(), [(); 2].map(|()| Consumer::default()));
        let outer = told(&waiting, [(1.0, &a)]);
        let inner = told(&waiting, [(10.0, &a), (20.0, &b)]);
        assert_eq!(taken(&waiting, &inner).unwrap(), [30.0, -30.0]);
        let outer = (outer + told(&waiting, [(2.0, &b)])).unwrap();
        assert_eq!(taken(&waiting, &outer).unwrap(), [3.0, -3.0]);
    }

    /// Gradients that nobody has come for are neither in the next pass's nor more and more.
    #[test]
    fn passes_that_fail_leave_little() {
        let (waiting, [a, b]) = (Waiting::default(), [(); 2].map(|()| Consumer::default()));
        for _ in 0..100 {
            told(&waiting, [(5.0, &a)]);
        }
        assert!(locked(&waiting.0).len() <= MOST);
        let pass = told(&waiting, [(1.0, &a), (2.0, &b)]);
        assert_eq!(taken(&waiting, &pass).unwrap(), [3.0, -3.0]);
    }

    #[test]
    fn gradients_of_graphs_that_are_gone_go_too() {
        let (waiting, kept) = (Waiting::default(), Consumer::default());
        told(&waiting, [(5.0, &Consumer::default())]);
        told(&waiting, [(1.0, &kept)]);
        assert_eq!(locked(&waiting.0).len(), 1);
    }

    /// A pass that has failed within this one, as an op of one's own may let it.
    #[test]
    fn others_gradients_are_an_error_and_not_added() {
        let (waiting, [a, b]) = (Waiting::default(), [(); 2].map(|()| Consumer::default()));
        let pass = told(&waiting, [(1.0, &a)]);
        told(&waiting, [(5.0, &a)]);
        let pass = (pass + told(&waiting, [(2.0, &b)])).unwrap();
        let error = taken(&waiting, &pass).unwrap_err().to_string();
        assert!(error.contains("of a pass that failed"), "{error}");
        assert!(locked(&waiting.0).is_empty());
    }
}
