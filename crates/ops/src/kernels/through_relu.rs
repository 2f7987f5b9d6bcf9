//! Gradients of what ReLU is computed of, a few at a time: all of them would go through memory.

use std::borrow::Cow;
use std::ops::Range;

use pulp::Simd;

use crate::element::{Element, unless_cut};
use crate::kernels::elementwise::unrectified_here;
use crate::kernels::vectors;

/// A gradient that comes back through a ReLU, where there is one.
#[derive(Clone, Copy)]
pub(crate) struct ThroughRelu<'a, T> {
    /// What ReLU made.
    pub(crate) rectified: Option<&'a [T]>,
    /// Of that.
    pub(crate) gradient: &'a [T],
}

impl<'a, T: Element> ThroughRelu<'a, T> {
    /// Some of the gradients before ReLU, few enough to stay in the cache.
    #[inline(always)]
    pub(crate) fn some(&self, range: Range<usize>) -> Cow<'a, [T]> {
        let gradients = &self.gradient[range.clone()];
        match self.rectified {
            None => gradients.into(),
            Some(results) => unrectified_here(&results[range], gradients).into(),
        }
    }

    /// Writes some of the gradients before ReLU.
    #[inline(always)]
    pub(crate) fn write(&self, range: Range<usize>, gradients: &mut [T]) {
        let given = &self.gradient[range.clone()];
        match self.rectified {
            None => gradients.copy_from_slice(given),
            Some(results) => {
                let given = given.iter().zip(&results[range]);
                for (gradient, (&given, &result)) in gradients.iter_mut().zip(given) {
                    *gradient = unless_cut(result, given);
                }
            }
        }
    }

    /// Those of a range.
    #[inline(always)]
    pub(crate) fn within(&self, range: Range<usize>) -> Self {
        let rectified = self.rectified.map(|results| &results[range.clone()]);
        Self { rectified, gradient: &self.gradient[range] }
    }

    /// The first of some of the gradients before ReLU, as a vector.
    #[inline(always)]
    pub(crate) fn load<S: Simd>(&self, simd: S, range: Range<usize>) -> T::Vector<S> {
        let given = T::load(simd, &self.gradient[range.clone()]);
        let Some(results) = self.rectified else { return given };
        vectors::unless_cut::<T, S>(simd, T::load(simd, &results[range]), given)
    }
}
