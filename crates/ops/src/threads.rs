//! How many threads an op may count on, and threads that wait without falling asleep.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

thread_local! {
    static COUNT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Both results, each computed with half of the threads: matrix products within are not split for
/// threads that are busy.
///
/// A thread that waits for the other does not sleep meanwhile, and takes pieces of what that one has left.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_ops::{linear, side_by_side};
///
/// # fn main() -> candle_core::Result<()> {
/// let input = Tensor::ones((4, 3), DType::F32, &Device::Cpu)?;
/// let (weight, bias) = (input.narrow(0, 0, 2)?, Tensor::zeros(2, DType::F32, &Device::Cpu)?);
/// let run = || linear(&input, &weight, Some(&bias));
/// let (first, second) = side_by_side(run, run);
/// assert_eq!(first?.to_vec2::<f32>()?, second?.to_vec2::<f32>()?);
/// # Ok(())
/// # }
/// ```
pub fn side_by_side<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let threads = threads();
    if threads == 1 {
        return (first(), second());
    }
    let (half, rest) = (threads / 2, threads - threads / 2);
    join(|| with_threads(rest, first), || with_threads(half, second))
}

/// [`rayon::join`], but a thread that has done the first while another one does the second takes parts of others' work
/// until that is done, too: it would fall asleep, and wake later than most of them end.
pub(crate) fn join<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (taken, over) = (AtomicBool::new(false), AtomicBool::new(false));
    rayon::join(
        || {
            let own = first();
            // Where no other thread has begun with it, this one does the second next.
            if taken.load(Ordering::Acquire) {
                help_until(&over);
            }
            own
        },
        || {
            taken.store(true, Ordering::Release);
            let _at_the_end = SetOnDrop(&over);
            second()
        },
    )
}

/// Does `work` while the other threads of this pool keep looking for parts of it to take.
///
/// A step of a training has a few dozen parts of some ten microseconds. A thread that finds none for a
/// moment falls asleep, and to wake it takes longer than a part. One that looks in vain for long lets
/// other programs have its processor.
///
/// Where the other threads have something else to do and do not all come within 50 ms, `work` is done
/// without them looking, as outside of this function: they take parts of it as they come, and what it
/// returns is the same. So a second call in the same pool, or one within another, waits for nobody.
///
/// ```
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// assert_eq!(pool.install(|| pairnet_ops::awake(|| rayon::join(|| 1, || 2))), (1, 2));
/// ```
pub fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let others = rayon::current_num_threads() - 1;
    let gathering = Gathering::default();
    rayon::scope(|scope| {
        for _ in 0..others {
            scope.spawn(|_| {
                if gathering.join() {
                    help_until(&gathering.over);
                }
            });
        }
        let _at_the_end = SetOnDrop(&gathering.over);
        gathering.wait_for(others);
        work()
    })
}

/// Threads that come together to look for work, or not at all.
///
/// None works before all are there: one could take up another's looking while it waits for a part of
/// its own, and would not come back to it before everything is over.
#[derive(Default)]
struct Gathering {
    arrived: AtomicUsize,
    complete: AtomicBool,
    over: AtomicBool,
}

impl Gathering {
    /// How long the caller waits for the others: far longer than waking them takes, and too short to
    /// be missed.
    const PATIENCE: Duration = Duration::from_millis(50);

    /// Comes and waits for the rest; whether all came.
    fn join(&self) -> bool {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        while !self.over.load(Ordering::Acquire) {
            if self.complete.load(Ordering::Acquire) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Waits until all others came; sends them back where one does not.
    fn wait_for(&self, others: usize) {
        let start = Instant::now();
        while self.arrived.load(Ordering::Relaxed) < others {
            if start.elapsed() > Self::PATIENCE {
                self.over.store(true, Ordering::Release);
                return;
            }
            std::thread::yield_now();
        }
        self.complete.store(true, Ordering::Release);
    }
}

/// What a mutex holds, also after a thread has panicked with it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does parts of others' work until `over` is set, without falling asleep in between.
fn help_until(over: &AtomicBool) {
    /// Looks in vain, some hundred nanoseconds each, after which others may go first.
    const PATIENCE: usize = 256;
    let mut idle = 0;
    while !over.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
        } else if idle < PATIENCE {
            idle += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

/// Sets a flag when it goes, also where a panic takes it along.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How many threads the ops on this thread split their work for.
pub(crate) fn threads() -> usize {
    COUNT.get().unwrap_or_else(rayon::current_num_threads)
}

fn with_threads<R>(count: usize, work: impl FnOnce() -> R) -> R {
    let _restored = RestoreCount(COUNT.replace(Some(count.max(1))));
    work()
}

/// What the count was before; it is that again afterwards, also where the work panics.
struct RestoreCount(Option<usize>);

impl Drop for RestoreCount {
    fn drop(&mut self) {
        COUNT.set(self.0);
    }
}
