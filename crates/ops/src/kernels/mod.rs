//! Loops over plain slices: no tensor, no graph.
//!
//! They are written so that the compiler vectorises them, and compiled once for each instruction
//! set that [`vectorised`] chooses from when the program runs.
//!
//! Sums that a loop works on stay in registers only while every index into their array is known to
//! the compiler; a slice of them, or an iterator over them, puts them into memory and each step
//! of the loop with them. So the innermost loops count over constants, here and nowhere else.

#![expect(
    clippy::needless_range_loop,
    reason = "an iterator over sums puts them into memory: innermost loops count over constants"
)]

use std::sync::OnceLock;

use pulp::{NullaryFnOnce, Simd, WithSimd};

pub(crate) mod activations;
pub(crate) mod adam;
pub(crate) mod batch_norm;
pub(crate) mod columns;
pub(crate) mod convolution;
pub(crate) mod elementwise;
pub(crate) mod exponential;
mod grid;
pub(crate) mod linear;
pub(crate) mod lines;
pub(crate) mod matmul;
pub(crate) mod moments;
pub(crate) mod normal;
pub(crate) mod normalised_convolution;
mod panel;
pub(crate) mod parts;
pub(crate) mod pooling;
pub(crate) mod sgd;
pub(crate) mod softmax;
mod sparse;
pub(crate) mod sums;
pub(crate) mod through_relu;
pub(crate) mod transposed;
pub(crate) mod vectors;

/// Calls `$kernel::<T, FUSED>(…)` compiled for the best instruction set of this processor.
///
/// `FUSED` tells the kernel whether that set has a multiply-add instruction. The kernel must be
/// `#[inline(always)]`, else it is compiled for the lowest set.
macro_rules! vectorised {
    ($kernel:ident::<$T:ty>($($argument:expr),* $(,)?)) => {
        match $crate::kernels::arch() {
            pulp::Arch::Scalar => $kernel::<$T, false>($($argument),*),
            arch => {
                // Only a closure that can be called once is inlined itself. One that could be
                // called again is reached through a function of the standard library that is not,
                // and that the compiler leaves where it is for sets with wider registers.
                let once = crate::kernels::Once;
                arch.dispatch($crate::kernels::Fused(
                    #[inline(always)]
                    || {
                        let _moved = once;
                        $kernel::<$T, true>($($argument),*)
                    },
                ))
            }
        }
    };
}
pub(crate) use vectorised;

/// Calls `op` with the vectors of this processor.
///
/// What has none calls it as a function of its own, which is compiled once, and not into each caller.
pub(crate) fn dispatch<W: WithSimd>(op: W) -> W::Output {
    struct OutOfLine<W>(W);
    impl<W: WithSimd> WithSimd for OutOfLine<W> {
        type Output = W::Output;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> W::Output {
            if const { S::IS_SCALAR } { called(self.0, simd) } else { self.0.with_simd(simd) }
        }
    }
    #[inline(never)]
    fn called<W: WithSimd, S: Simd>(op: W, simd: S) -> W::Output {
        op.with_simd(simd)
    }
    arch().dispatch(OutOfLine(op))
}

/// The instruction set that the kernels use: the best that this processor has, or what the
/// environment variable `PAIRNET_INSTRUCTIONS` says.
///
/// `scalar` and `avx2` are there for tests, which have to reach the code for other processors too.
pub(crate) fn arch() -> pulp::Arch {
    static ARCH: OnceLock<pulp::Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match asked_for() {
        "scalar" => pulp::Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        "avx2" => pulp::x86::V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3),
        _ => pulp::Arch::new(),
    })
}

/// The instruction set that the kernels use on the CPU: `avx512`, `avx2`, `neon`, `scalar` or
/// `other`, and `composed` where candle's own ops compute. Sums are rounded as it has them.
pub fn instructions() -> &'static str {
    if switched_off() {
        return "composed";
    }
    match arch() {
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V3(_) => "avx2",
        #[cfg(target_arch = "aarch64")]
        pulp::Arch::Neon(_) => "neon",
        pulp::Arch::Scalar => "scalar",
        _ => "other",
    }
}

/// Whether `PAIRNET_INSTRUCTIONS` is `composed`: then no kernel runs on the CPU either, so that tests
/// reach there what another device would run.
pub(crate) fn switched_off() -> bool {
    asked_for() == "composed"
}

fn asked_for() -> &'static str {
    static ASKED: OnceLock<String> = OnceLock::new();
    ASKED.get_or_init(|| std::env::var("PAIRNET_INSTRUCTIONS").unwrap_or_default())
}

/// What a closure can move out of itself but once.
pub(crate) struct Once;

/// What is called where there are vectors, and compiled for no other instruction set.
pub(crate) struct Fused<F>(pub(crate) F);

impl<F: NullaryFnOnce> WithSimd for Fused<F> {
    type Output = F::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> F::Output {
        assert!(const { !S::IS_SCALAR }, "a processor that multiplies and adds at once");
        self.0.call()
    }
}
