//! Nodes of candle's graph whose values are computed before.

use std::sync::Mutex;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail,
};

use crate::threads::locked;

/// What is gone back through.
pub(crate) trait Backward: Send + Sync {
    /// The function that the caller knows.
    fn name(&self) -> &'static str;

    /// The gradient of each argument that has one.
    fn backward(
        &self,
        arguments: &[&Tensor],
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>>;
}

/// The tensor of these values, of which candle knows that they were made of the arguments.
pub(crate) fn node<B: Backward + 'static>(
    way_back: B,
    arguments: &[&Tensor],
    values: (CpuStorage, Shape),
) -> Result<Tensor> {
    let name = way_back.name();
    let node = Node { way_back, values: Mutex::new(Some(values)) };
    match arguments {
        [a] => a.apply_op1(node),
        [a, b] => a.apply_op2(b, node),
        [a, b, c] => a.apply_op3(b, c, node),
        _ => bail!("{name}: candle has no ops on {} tensors", arguments.len()),
    }
}

struct Node<B> {
    way_back: B,
    values: Mutex<Option<(CpuStorage, Shape)>>,
}

impl<B: Backward> Node<B> {
    fn values(&self) -> Result<(CpuStorage, Shape)> {
        match locked(&self.values).take() {
            Some(values) => Ok(values),
            None => bail!("{}: the values are given out once", self.way_back.name()),
        }
    }
}

impl<B: Backward> CustomOp1 for Node<B> {
    fn name(&self) -> &'static str {
        self.way_back.name()
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.values()
    }

    fn bwd(&self, a: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.way_back.backward(&[a], result, gradient)?.remove(0))
    }
}

impl<B: Backward> CustomOp2 for Node<B> {
    fn name(&self) -> &'static str {
        self.way_back.name()
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.values()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.way_back.backward(&[a, b], result, gradient)?;
        Ok((gradients.remove(0), gradients.remove(0)))
    }
}

impl<B: Backward> CustomOp3 for Node<B> {
    fn name(&self) -> &'static str {
        self.way_back.name()
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.values()
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.way_back.backward(&[a, b, c], result, gradient)?;
        Ok((gradients.remove(0), gradients.remove(0), gradients.remove(0)))
    }
}
