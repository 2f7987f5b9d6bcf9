//! Element types and the way from candle's tensors to plain slices.

use std::cell::RefCell;
use std::ops::Deref;
use std::thread::LocalKey;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, DType, Device, Error, Layout, Result, Storage, Tensor, WithDType, bail,
};

use crate::kernels::exponential::{exponential, exponential_minus_one};
use crate::kernels::normal::{normal, normal_f64};
use crate::kernels::switched_off;
use crate::kernels::vectors::Vectors;

/// A floating-point type that the kernels are written for: `f32` to train, `f64` to check
/// gradients against finite differences.
pub(crate) trait Element: WithDType + Default + Vectors {
    const ZERO: Self;
    const ONE: Self;
    /// The smallest normal number.
    const LEAST_NORMAL: Self;
    /// Still a normal number when it is multiplied by a millionth, as a learning rate may be.
    const LEAST_SCALABLE: Self;

    /// a·b + c: rounded once where `FUSED`, which is fast only where the processor has the
    /// instruction, and twice elsewhere.
    fn mul_add<const FUSED: bool>(a: Self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    /// [`Element::exp`] for loops over many values.
    fn exponential<const FUSED: bool>(self) -> Self;
    /// exp(x) − 1 of an x that is not above 0, for loops over many values.
    fn exponential_minus_one<const FUSED: bool>(self) -> Self;
    /// A normal variable's density at x and the probability that it is below x, for loops over many values.
    fn normal<const FUSED: bool>(self) -> (Self, Self);
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    /// The memory that this thread keeps for its kernels ([`Lines`](crate::kernels::lines::Lines)).
    fn kept_blocks() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>>;
    /// The values of a storage of this type, to be changed where they lie.
    fn values_mut(storage: &mut CpuStorage) -> Result<&mut [Self]>;
}

macro_rules! element {
    ($float:ty, $variant:ident, $exponential:expr, $minus_one:expr, $normal:expr) => {
        impl Element for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LEAST_NORMAL: Self = <$float>::MIN_POSITIVE;
            const LEAST_SCALABLE: Self = 1e6 * <$float>::MIN_POSITIVE;

            #[inline(always)]
            fn mul_add<const FUSED: bool>(a: Self, b: Self, c: Self) -> Self {
                if FUSED { a.mul_add(b, c) } else { a * b + c }
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$float>::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$float>::exp(self)
            }
            #[inline(always)]
            fn exponential<const FUSED: bool>(self) -> Self {
                $exponential(self)
            }
            #[inline(always)]
            fn exponential_minus_one<const FUSED: bool>(self) -> Self {
                $minus_one(self)
            }
            #[inline(always)]
            fn normal<const FUSED: bool>(self) -> (Self, Self) {
                $normal(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                <$float>::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                <$float>::ln_1p(self)
            }
            fn kept_blocks() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>> {
                thread_local!(static BLOCKS: RefCell<Vec<Vec<$float>>> = const { RefCell::new(Vec::new()) });
                &BLOCKS
            }
            fn values_mut(storage: &mut CpuStorage) -> Result<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(values) => Ok(values),
                    other => {
                        bail!("values of dtype {:?}, {:?} is needed", other.dtype(), Self::DTYPE)
                    }
                }
            }
        }
    };
}

element!(f32, F32, exponential::<FUSED>, exponential_minus_one::<FUSED>, normal::<FUSED>);
element!(f64, F64, f64::exp, f64::exp_m1, normal_f64);

/// max(value, 0) that keeps NaN, as PyTorch's ReLU does.
#[inline(always)]
pub(crate) fn relu<T: Element>(value: T) -> T {
    if value < T::ZERO { T::ZERO } else { value }
}

/// The value, or zero where it is less than `least` away from it; NaN stays.
///
/// Means that decay and gradients that fade end as subnormal numbers, where rounding may keep them for ever, and the
/// processor takes a hundred cycles for each of a kernel's operations on one.
#[inline(always)]
pub(crate) fn flushed<T: Element>(value: T, least: T) -> T {
    if value < least && value > T::ZERO - least { T::ZERO } else { value }
}

/// The largest value of a row that has one; NaN where the first is.
pub(crate) fn largest<T: Element>(row: &[T]) -> T {
    row.iter().copied().fold(row[0], |a, b| if b > a { b } else { a })
}

/// The gradient of what ReLU made `value` of.
///
/// A NaN is not at most zero: its gradient passes, as in PyTorch.
#[inline(always)]
pub(crate) fn unless_cut<T: Element>(value: T, gradient: T) -> T {
    if value <= T::ZERO { T::ZERO } else { gradient }
}

/// Runs `$body` with `$T` standing for the float type of `$dtype`.
macro_rules! with_float {
    ($operation:expr, $dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => Err($crate::element::unsupported_dtype($operation, other)),
        }
    };
}
pub(crate) use with_float;

pub(crate) fn unsupported_dtype(operation: &'static str, dtype: DType) -> Error {
    Error::Msg(format!("{operation}: dtype {dtype:?} is not supported, only F32 and F64")).bt()
}

/// Whether `operation` on this tensor is composed of candle's own ops: the kernels are the CPU's.
///
/// # Errors
///
/// Where the dtype is one that the kernels refuse: candle's ops take others, or fail later. Where a GPU's
/// tensor has no values: candle's ops would fail with an error of the driver.
pub(crate) fn composed(operation: &'static str, tensor: &Tensor) -> Result<bool> {
    match tensor.dtype() {
        DType::F32 | DType::F64 if !tensor.device().is_cpu() && tensor.elem_count() == 0 => bail!(
            "{operation}: a tensor of shape {:?} has no values; candle 0.11.1 makes no such tensor on a GPU",
            tensor.shape()
        ),
        DType::F32 | DType::F64 => Ok(!has_kernels(tensor.device())),
        other => Err(unsupported_dtype(operation, other)),
    }
}

/// Whether the kernels of this crate compute there. Everything that differs between devices asks here.
pub(crate) fn has_kernels(device: &Device) -> bool {
    device.is_cpu() && !switched_off()
}

/// The contiguous values that `layout` spans in `storage`.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let values = storage.as_slice::<T>()?;
    match layout.contiguous_offsets() {
        // A view of nothing may begin behind the end.
        Some((start, end)) if start < end => Ok(&values[start..end]),
        Some(_) => Ok(&[]),
        None => bail!("a contiguous tensor is needed, got strides {:?}", layout.stride()),
    }
}

/// The contiguous values of a tensor in the computer's memory.
///
/// The argument is what [`Tensor::storage_and_layout`] returned, kept by the caller because it
/// holds the tensor's lock.
pub(crate) fn values<'a, T: WithDType, S: Deref<Target = Storage>>(
    guard: &'a (S, &Layout),
) -> Result<&'a [T]> {
    match &*guard.0 {
        Storage::Cpu(storage) => slice(storage, guard.1),
        _ => bail!("a tensor in the computer's memory is needed"),
    }
}

/// A tensor of `values` on the device of `like`.
pub(crate) fn tensor<T: Element>(
    values: Vec<T>,
    shape: impl Into<candle_core::Shape>,
    like: &Tensor,
) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), like.device())
}
