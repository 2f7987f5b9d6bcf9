//! Tensors whose values are changed where they lie.

use std::cell::RefCell;
use std::marker::PhantomData;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, bail};

use crate::element::Element;

/// Lets `f` change the values of a contiguous tensor where they lie.
///
/// It holds the tensor's lock meanwhile: `f` must not ask for that of a tensor which shares its storage.
pub(super) fn change<T: Element>(
    tensor: &Tensor,
    f: impl FnMut(&mut [T]) -> Result<()>,
) -> Result<()> {
    tensor.inplace_op1(&Change { f: RefCell::new(f), element: PhantomData::<T> })
}

/// Gives `tensor` the values of another one of its shape.
pub(super) fn replace(tensor: &Tensor, values: &Tensor) -> Result<()> {
    if tensor.elem_count() == 0 {
        // What candle computes of no values can be the same tensor, which it would not write to itself.
        return Ok(());
    }
    tensor.flatten_all()?.slice_set(&values.flatten_all()?, 0, 0)
}

struct Change<T, F> {
    f: RefCell<F>,
    element: PhantomData<T>,
}

impl<T: Element, F: FnMut(&mut [T]) -> Result<()>> InplaceOp1 for Change<T, F> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let all = T::values_mut(storage)?;
        match layout.contiguous_offsets() {
            Some((start, end)) => (self.f.borrow_mut())(&mut all[start..end]),
            None => bail!("a contiguous tensor is needed, got strides {:?}", layout.stride()),
        }
    }
}
