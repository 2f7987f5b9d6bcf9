//! Dropout with a mask that the caller draws.

use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::kernels::{parts, vectorised};
use crate::tape::apply2;

/// `input` · `mask` / (1 − `probability`).
///
/// `mask` has the shape of `input`, and dtype U8: 1 where a value is kept, 0 where it is dropped. It
/// is an argument because a network's randomness belongs to its caller, and because candle's CPU
/// generator cannot be seeded; [`crate::random::dropout_mask`] draws one. In evaluation dropout is the identity: do not call it. As
/// [`torch.nn.functional.dropout`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html)
/// with the mask made visible.
///
/// # Errors
///
/// Where the shapes differ, the mask is not U8, `probability` is not in [0, 1), or the dtype of
/// `input` is neither F32 nor F64.
pub fn dropout(input: &Tensor, mask: &Tensor, probability: f64) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout: probability {probability} is not in [0, 1)");
    }
    if mask.shape() != input.shape() {
        bail!("dropout: mask {:?} and input {:?} differ in shape", mask.shape(), input.shape());
    }
    if mask.dtype() != DType::U8 {
        bail!("dropout: a mask has dtype U8, this one has {:?}", mask.dtype());
    }
    let scale = 1.0 / (1.0 - probability);
    if composed("dropout", input)? {
        return input * mask.to_dtype(input.dtype())?.affine(scale, 0.0)?;
    }
    apply2(&input.contiguous()?, &mask.contiguous()?, Dropout { scale })
}

struct Dropout {
    scale: f64,
}

impl Dropout {
    fn compute<T: Element>(&self, input: &[T], mask: &[u8]) -> Vec<T> {
        let scale = T::from_f64(self.scale);
        let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
            let (input, mask) = (&input[range.clone()], &mask[range]);
            vectorised!(keep::<T>(input, mask, scale, places));
        };
        // SAFETY: one value is written for each, since the mask is as long as the input.
        #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
        unsafe {
            parts::written(input.len(), 1, write).0
        }
    }
}

#[inline(always)]
fn keep<T: Element, const FUSED: bool>(
    input: &[T],
    mask: &[u8],
    scale: T,
    places: &mut [MaybeUninit<T>],
) {
    for ((place, &value), &kept) in places.iter_mut().zip(input).zip(mask) {
        place.write(value * if kept == 0 { T::ZERO } else { scale });
    }
}

impl CustomOp2 for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        mask: &CpuStorage,
        mask_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), input.dtype(), T => {
            let result = self.compute::<T>(slice(input, input_layout)?, slice(mask, mask_layout)?);
            Ok((T::to_cpu_storage_owned(result), input_layout.shape().clone()))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        mask: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let result_gradient = result_gradient.contiguous()?;
        with_float!(self.name(), input.dtype(), T => {
            let (gradient, mask) = (result_gradient.storage_and_layout(), mask.storage_and_layout());
            let gradient = self.compute::<T>(values(&gradient)?, values(&mask)?);
            Ok((Some(element::tensor(gradient, input.shape(), input)?), None))
        })
    }
}
