//! What a network hands out: values through which gradients pass only on the way that leads on to
//! the parameters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::backend::BackendStorage;
use candle_core::backprop::GradStore;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Result, Shape, Tensor, bail,
};

/// How many backward passes of [`crate::Outputs::backward`] are at work on a pass's outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct AtWork(Arc<AtomicUsize>);

impl AtWork {
    /// The same values, whose gradient is an error but where [`AtWork::backward`] asks for it.
    pub(crate) fn hand_out(&self, values: &Tensor) -> Result<Tensor> {
        values.contiguous()?.apply_op1(HandedOut(self.clone()))
    }

    /// `loss.backward()`, through what was handed out.
    pub(crate) fn backward(&self, loss: &Tensor) -> Result<GradStore> {
        struct Done<'a>(&'a AtomicUsize);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let _done = Done(&self.0);
        loss.backward()
    }
}

/// The identity. candle's backward pass goes no further than its argument, and whoever called
/// `loss.backward()` would train nothing without a word.
struct HandedOut(AtWork);

impl CustomOp1 for HandedOut {
    fn name(&self) -> &'static str {
        "network-outputs"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        copied(storage, layout)
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        copied(storage, layout)
    }

    fn metal_fwd(&self, storage: &MetalStorage, layout: &Layout) -> Result<(MetalStorage, Shape)> {
        copied(storage, layout)
    }

    fn bwd(&self, _values: &Tensor, _same: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        if self.0.0.load(Ordering::Relaxed) == 0 {
            bail!(
                "loss.backward() does not reach the parameters of a network: use \
                 Outputs::backward(&loss) of the outputs that the loss is made from"
            );
        }
        Ok(Some(gradient.clone()))
    }
}

fn copied<S: BackendStorage>(storage: &S, layout: &Layout) -> Result<(S, Shape)> {
    if layout.contiguous_offsets().is_none_or(|(start, _)| start != 0) {
        bail!("outputs of layout {layout:?} are a part of something");
    }
    Ok((storage.try_clone(layout)?, layout.shape().clone()))
}
