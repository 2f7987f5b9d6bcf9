//! Dropout with a mask that the caller draws.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::element::{self, Element, slice, values, with_float};
use crate::tape::apply2;

/// `input` · `mask` / (1 − `probability`).
///
/// `mask` has the shape and dtype of `input`: 1 where a value is kept, 0 where it is dropped. It
/// is an argument because a network's randomness belongs to its caller, and because candle's CPU
/// generator cannot be seeded; it has no gradient. In evaluation dropout is the identity: do not
/// call it. As
/// [`torch.nn.functional.dropout`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html)
/// with the mask made visible.
///
/// # Errors
///
/// Where the shapes or dtypes differ, `probability` is not in [0, 1), or the dtype is neither F32
/// nor F64.
pub fn dropout(input: &Tensor, mask: &Tensor, probability: f64) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout: probability {probability} is not in [0, 1)");
    }
    if mask.shape() != input.shape() {
        bail!("dropout: mask {:?} and input {:?} differ in shape", mask.shape(), input.shape());
    }
    if mask.dtype() != input.dtype() {
        bail!("dropout: mask {:?} and input {:?} differ in dtype", mask.dtype(), input.dtype());
    }
    let scale = 1.0 / (1.0 - probability);
    if !input.device().is_cpu() {
        return input * mask.detach().affine(scale, 0.0)?;
    }
    apply2(&input.contiguous()?, &mask.detach().contiguous()?, Dropout { scale })
}

struct Dropout {
    scale: f64,
}

impl Dropout {
    fn compute<T: Element>(&self, input: &[T], mask: &[T]) -> Vec<T> {
        let scale = T::from_f64(self.scale);
        input.iter().zip(mask).map(|(&value, &kept)| value * (kept * scale)).collect()
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
