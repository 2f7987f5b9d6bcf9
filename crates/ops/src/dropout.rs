//! Dropout with a mask that the caller draws.

use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::{DType, Result, Shape, Tensor, bail};

use crate::element::{Element, composed, values};
use crate::kernels::{parts, vectorised};
use crate::layout::as_they_lie;
use crate::op::{Argument, Op, apply};

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
    as_they_lie([input, mask], |[input, mask]| {
        apply(Dropout { mask: mask.clone(), scale }, [input])
    })
}

struct Dropout {
    mask: Tensor,
    scale: f64,
}

impl Dropout {
    fn times<T: Element>(&self, input: &[T]) -> Result<Vec<T>> {
        let mask = self.mask.storage_and_layout();
        let (mask, scale): (&[u8], T) = (values(&mask)?, T::from_f64(self.scale));
        let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
            let (input, mask) = (&input[range.clone()], &mask[range]);
            vectorised!(keep::<T>(input, mask, scale, places));
        };
        // SAFETY: one value is written for each, since the mask is as long as the input.
        #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
        unsafe {
            Ok(parts::written(input.len(), 1, write).0)
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

impl Op<1> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward<T: Element>(&self, [input]: [Argument<'_, T>; 1]) -> Result<(Vec<T>, Shape)> {
        Ok((self.times(input.values)?, input.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        _input: [Argument<'_, T>; 1],
        _wanted: [bool; 1],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 1]> {
        Ok([Some(self.times(gradient)?)])
    }
}
