//! How many threads an op may count on.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What `work` returns, whose ops split what they do for `count` threads, however many the rayon pool
/// has.
///
/// For a caller that gives each thread work of its own: what an op splits for threads that are busy
/// costs more than it brings. The results are the same.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_ops::{linear, with_threads};
///
/// # fn main() -> candle_core::Result<()> {
/// let input = Tensor::ones((4, 3), DType::F32, &Device::Cpu)?;
/// let (weight, bias) = (input.narrow(0, 0, 2)?, Tensor::zeros(2, DType::F32, &Device::Cpu)?);
/// let one = || with_threads(1, || linear(&input, &weight, &bias));
/// let (first, second) = rayon::join(one, one);
/// assert_eq!(first?.to_vec2::<f32>()?, second?.to_vec2::<f32>()?);
/// # Ok(())
/// # }
/// ```
pub fn with_threads<R>(count: usize, work: impl FnOnce() -> R) -> R {
    let _outer = Outer(COUNT.replace(Some(count.max(1))));
    work()
}

/// How many threads this thread's ops split their work for.
pub(crate) fn threads() -> usize {
    COUNT.get().unwrap_or_else(rayon::current_num_threads)
}

/// What the count was before; it is that again afterwards, also where the work panics.
struct Outer(Option<usize>);

impl Drop for Outer {
    fn drop(&mut self) {
        COUNT.set(self.0);
    }
}
