//! Loops over plain slices: no tensor, no graph.
//!
//! They are written so that the compiler vectorises them, and compiled once for each instruction
//! set that [`vectorised`] chooses from when the program runs.

pub(crate) mod adam;
pub(crate) mod batch_norm;
pub(crate) mod convolution;
pub(crate) mod matmul;
pub(crate) mod normalised_convolution;

/// Calls `$kernel::<T, FUSED>(…)` compiled for the best instruction set of this processor.
///
/// `FUSED` tells the kernel whether that set has a multiply-add instruction. The kernel must be
/// `#[inline(always)]`, else it is compiled for the lowest set.
macro_rules! vectorised {
    ($kernel:ident::<$T:ty>($($argument:expr),* $(,)?)) => {
        match pulp::Arch::new() {
            pulp::Arch::Scalar => $kernel::<$T, false>($($argument),*),
            arch => arch.dispatch(
                #[inline(always)]
                || $kernel::<$T, true>($($argument),*),
            ),
        }
    };
}
pub(crate) use vectorised;
