//! What every op of this crate is to candle and to a tape.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};

use crate::element::{Element, slice, values, with_float};
use crate::kernels::matmul::Matrix;
use crate::memory::keep_freed;
use crate::tape::{Recorded, note};

/// An op on `N` tensors of one dtype that lie in the computer's memory row by row. What else it needs, it
/// holds.
pub(crate) trait Op<const N: usize>: Send + Sync + 'static {
    /// Whether all arguments have the gradient of the first that has one: the others are not computed.
    const ALIKE: bool = false;

    /// The function that the caller knows.
    fn name(&self) -> &'static str;

    /// The result and its shape.
    fn forward<T: Element>(&self, arguments: [Argument<'_, T>; N]) -> Result<(Vec<T>, Shape)>;

    /// The gradient of each argument, where it has one and it is `wanted`, given that of the result.
    fn backward<T: Element>(
        &self,
        arguments: [Argument<'_, T>; N],
        wanted: [bool; N],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; N]>;
}

/// A tensor's values.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) dims: &'a [usize],
}

impl<'a, T: Copy> Argument<'a, T> {
    /// (…, columns) as rows.
    pub(crate) fn matrix(self) -> Matrix<'a, T> {
        let columns = self.dims.last().copied().unwrap_or(1);
        Matrix::new(self.values, self.dims.iter().rev().skip(1).product(), columns)
    }
}

/// What the forward pass has kept for the backward pass.
pub(crate) fn kept<'a, K>(operation: &str, kept: &'a OnceLock<K>) -> Result<&'a K> {
    match kept.get() {
        Some(kept) => Ok(kept),
        None => bail!("{operation}: there was no forward pass"),
    }
}

/// Runs the op, as one that candle's backward pass and the tape of this thread go back through.
pub(crate) fn apply<O: Op<N>, const N: usize>(op: O, arguments: [&Tensor; N]) -> Result<Tensor> {
    keep_freed();
    let op = Arc::new(op);
    let of_candle = Shell::<O, N>(Arc::clone(&op));
    let result = match arguments[..] {
        [a] => a.apply_op1(of_candle)?,
        [a, b] => a.apply_op2(b, of_candle)?,
        [a, b, c] => a.apply_op3(b, c, of_candle)?,
        _ => bail!("{}: candle has no ops on {N} tensors", op.name()),
    };
    note(|| Box::new(Shell::<O, N>(op)), &arguments, &result);
    Ok(result)
}

/// The op between tensors and slices.
struct Shell<O, const N: usize>(Arc<O>);

impl<O: Op<N>, const N: usize> Shell<O, N> {
    fn forward(&self, arguments: &[(&CpuStorage, &Layout)]) -> Result<(CpuStorage, Shape)> {
        with_float!(self.0.name(), arguments[0].0.dtype(), T => {
            let arguments = arguments.iter().map(|&(storage, layout)| {
                Ok(Argument { values: slice::<T>(storage, layout)?, dims: layout.dims() })
            });
            let (result, shape) = self.0.forward(self.all(arguments)?)?;
            Ok((T::to_cpu_storage_owned(result), shape))
        })
    }

    fn all<A>(&self, arguments: impl Iterator<Item = Result<A>>) -> Result<[A; N]> {
        match arguments.collect::<Result<Vec<A>>>()?.try_into() {
            Ok(arguments) => Ok(arguments),
            Err(_) => bail!("{}: {N} tensors are needed", self.0.name()),
        }
    }
}

impl<O: Op<N>, const N: usize> Recorded for Shell<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn backward(
        &self,
        arguments: &[&Tensor],
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let gradient = gradient.contiguous()?;
        let wanted = self.all(arguments.iter().map(|argument| Ok(argument.track_op())))?;
        let guards: Vec<_> = arguments.iter().map(|tensor| tensor.storage_and_layout()).collect();
        let (result_values, gradient_values) =
            (result.storage_and_layout(), gradient.storage_and_layout());
        with_float!(self.0.name(), result.dtype(), T => {
            let given = guards
                .iter()
                .map(|guard| Ok(Argument { values: values::<T, _>(guard)?, dims: guard.1.dims() }));
            let gradients = self.0.backward(
                self.all(given)?,
                wanted,
                values(&result_values)?,
                values(&gradient_values)?,
            )?;
            let tensor = |(gradient, like): (Option<Vec<T>>, &&Tensor)| {
                gradient.map(|values| Tensor::from_vec(values, like.shape(), like.device())).transpose()
            };
            let mut gradients =
                gradients.into_iter().zip(arguments).map(tensor).collect::<Result<Vec<_>>>()?;
            if O::ALIKE {
                let first = gradients.iter().flatten().next().cloned();
                gradients.iter_mut().zip(wanted).for_each(|(gradient, wanted)| {
                    *gradient = first.clone().filter(|_| wanted);
                });
            }
            Ok(gradients)
        })
    }
}

impl<O: Op<N>, const N: usize> CustomOp1 for Shell<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(&self, a: &CpuStorage, a_layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(a, a_layout)])
    }

    fn bwd(&self, a: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.backward(&[a], result, gradient)?.remove(0))
    }
}

impl<O: Op<N>, const N: usize> CustomOp2 for Shell<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(a, a_layout), (b, b_layout)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.backward(&[a, b], result, gradient)?;
        Ok((gradients.remove(0), gradients.remove(0)))
    }
}

impl<O: Op<N>, const N: usize> CustomOp3 for Shell<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
        c: &CpuStorage,
        c_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(&[(a, a_layout), (b, b_layout), (c, c_layout)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.backward(&[a, b, c], result, gradient)?;
        Ok((gradients.remove(0), gradients.remove(0), gradients.remove(0)))
    }
}
