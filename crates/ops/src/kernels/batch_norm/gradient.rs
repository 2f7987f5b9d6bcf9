//! The way back through batch normalisation.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::{Normaliser, slopes};
use crate::element::{Element, unless_cut};
use crate::kernels::columns::{ColumnSums, added_up, repeated, rows_together};
use crate::kernels::lines::Lines;
use crate::kernels::parts::{self, part};
use crate::kernels::through_relu::ThroughRelu;
use crate::kernels::vectorised;

/// Gradients of the values, and of γ and β.
///
/// With m rows and x̂ the normalised values (Ioffe and Szegedy, 2015, section 3):
/// ∂x = γ · inverse deviation · (∂y − mean(∂y) − x̂ · mean(∂y · x̂)); where the statistics are
/// `frozen`, only the first term is there.
pub(crate) fn backward<T: Element>(
    values: &[T],
    (gamma, normaliser, frozen): (&[T], &Normaliser<T>, bool),
    result_gradient: &[T],
) -> (Vec<T>, Vec<T>, Vec<T>) {
    let through = ThroughRelu { rectified: None, gradient: result_gradient };
    let sums = gradient_sums(values, normaliser, through);
    let gradient = &InputGradient::new((gamma, normaliser, frozen), &sums, values.len());
    let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
        let gradients = &result_gradient[range.clone()];
        vectorised!(write::<T>(gradient, &values[range], gradients, places));
    };
    // SAFETY: one gradient is written for each.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let (values_gradient, _) = unsafe { parts::written(values.len(), gamma.len(), write) };
    (values_gradient, sums.0, sums.1)
}

/// Σ ∂y · x̂ and Σ ∂y of each column.
pub(crate) fn gradient_sums<T: Element>(
    values: &[T],
    normaliser: &Normaliser<T>,
    result_gradient: ThroughRelu<'_, T>,
) -> (Vec<T>, Vec<T>) {
    let part = part(values.len(), normaliser.mean.len());
    let sums = parts::map(values.chunks(part).enumerate(), |(index, values)| {
        let first = index * part;
        let gradients = result_gradient.some(first..first + values.len());
        vectorised!(column_gradient_sums::<T>(values, normaliser, &gradients))
    });
    let (scaled, plain): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
    (added_up(scaled), added_up(plain))
}

#[inline(always)]
fn column_gradient_sums<T: Element, const FUSED: bool>(
    values: &[T],
    normaliser: &Normaliser<T>,
    result_gradient: &[T],
) -> (Vec<T>, Vec<T>) {
    let channels = normaliser.mean.len();
    let means = repeated(&normaliser.mean);
    let rows = values.len() / channels.max(1);
    let [mut scaled, mut plain] = [(); 2].map(|()| ColumnSums::of_rows(rows, channels));
    for (values, gradients) in values.chunks(means.len()).zip(result_gradient.chunks(means.len())) {
        let sums = scaled.next_sums().iter_mut().zip(plain.next_sums());
        for (((scaled, plain), &mean), (&value, &gradient)) in
            sums.zip(&means).zip(values.iter().zip(gradients))
        {
            *scaled = T::mul_add::<FUSED>(gradient, value - mean, *scaled);
            *plain += gradient;
        }
    }
    let mut scaled = scaled.total();
    let inverses = &normaliser.inverse_deviation;
    scaled.iter_mut().zip(inverses).for_each(|(sum, &inverse)| *sum *= inverse);
    (scaled, plain.total())
}

/// ∂x = slope · ∂y + plain + (mean − x) · factor of each channel, each repeated for rows taken together.
pub(crate) struct InputGradient<T> {
    means: Vec<T>,
    slopes: Vec<T>,
    plain: Vec<T>,
    factors: Vec<T>,
}

impl<T: Element> InputGradient<T> {
    /// Of a matrix of `length` values whose columns have the gradient sums Σ ∂y · x̂ and Σ ∂y, which
    /// play no part where the statistics are `frozen`.
    pub(crate) fn new(
        (gamma, normaliser, frozen): (&[T], &Normaliser<T>, bool),
        (scaled, plain): &(Vec<T>, Vec<T>),
        length: usize,
    ) -> Self {
        let scale = T::ONE / T::from_f64((length / gamma.len()) as f64);
        let slopes = slopes(gamma, normaliser);
        let means = |sums: &[T]| -> Vec<T> {
            let scaled =
                |(&sum, &slope): (&T, &T)| if frozen { T::ZERO } else { sum * scale * slope };
            sums.iter().zip(&slopes).map(scaled).collect()
        };
        let plain: Vec<T> = means(plain).into_iter().map(|mean| T::ZERO - mean).collect();
        let factors: Vec<T> = means(scaled)
            .into_iter()
            .zip(&normaliser.inverse_deviation)
            .map(|(mean, &inverse)| mean * inverse)
            .collect();
        // A column too few would leave memory unwritten.
        let columns = [slopes.len(), plain.len(), factors.len()];
        assert_eq!(columns, [normaliser.mean.len(); 3], "slopes and sums of batch norm");
        Self {
            means: repeated(&normaliser.mean),
            slopes: repeated(&slopes),
            plain: repeated(&plain),
            factors: repeated(&factors),
        }
    }

    /// Means, slopes, plain terms and factors, one a column at least.
    pub(crate) fn columns(&self) -> [&[T]; 4] {
        [&self.means, &self.slopes, &self.plain, &self.factors]
    }

    /// What makes the gradient of each column.
    #[inline(always)]
    fn lines(&self) -> impl Iterator<Item = Line<T>> {
        let factors = self.plain.iter().zip(&self.factors);
        let all = self.means.iter().zip(&self.slopes).zip(factors);
        all.map(|((&mean, &slope), (&plain, &factor))| Line { mean, slope, plain, factor })
    }

    /// Turns gradients of the normalised values into gradients of `values`, in their place; where
    /// `RECTIFIED`, of what ReLU made `values` of.
    #[inline(always)]
    pub(crate) fn apply<const FUSED: bool, const RECTIFIED: bool>(
        &self,
        values: &[T],
        gradients: &mut [T],
    ) {
        let wide = self.means.len();
        for (values, gradients) in values.chunks(wide).zip(gradients.chunks_mut(wide)) {
            for ((gradient, &value), line) in gradients.iter_mut().zip(values).zip(self.lines()) {
                let own = line.gradient::<FUSED>(value, *gradient);
                *gradient = if RECTIFIED { unless_cut(value, own) } else { own };
            }
        }
    }
}

/// [`InputGradient`] of one column.
struct Line<T> {
    mean: T,
    slope: T,
    plain: T,
    factor: T,
}

impl<T: Element> Line<T> {
    /// The gradient of a value, given that of what it was normalised to.
    #[inline(always)]
    fn gradient<const FUSED: bool>(&self, value: T, given: T) -> T {
        let own = T::mul_add::<FUSED>(self.slope, given, self.plain);
        T::mul_add::<FUSED>(self.mean - value, self.factor, own)
    }
}

#[inline(always)]
fn write<T: Element, const FUSED: bool>(
    gradient: &InputGradient<T>,
    values: &[T],
    given: &[T],
    places: &mut [MaybeUninit<T>],
) {
    let wide = gradient.means.len();
    let given = given.chunks(wide);
    for ((values, given), places) in values.chunks(wide).zip(given).zip(places.chunks_mut(wide)) {
        let all = values.iter().zip(given).zip(places).zip(gradient.lines());
        for (((&value, &given), place), line) in all {
            place.write(line.gradient::<FUSED>(value, given));
        }
    }
}

/// Gradients of what ReLU made `values` of, given those of the normalised values, and the sum of each
/// column of them.
pub(crate) fn rectified_gradient<T: Element>(
    gradient: &InputGradient<T>,
    values: &[T],
    result_gradient: &[T],
    channels: usize,
) -> (Lines<T>, Vec<T>) {
    assert_eq!(gradient.means.len(), rows_together(channels) * channels, "columns of batch norm");
    assert_eq!(values.len(), result_gradient.len(), "a gradient for each value");
    let mut gradients = Lines::unspecified(values.len());
    let part = part(values.len(), channels);
    let parts = values.chunks(part).zip(result_gradient.chunks(part));
    let parts = parts.zip(gradients.chunks_mut(part));
    let sums = parts::map(parts, |((values, given), gradients)| {
        let sums = ColumnSums::of_rows(values.len() / channels, channels);
        vectorised!(write_rectified::<T>(gradient, values, given, (gradients, sums)))
    });
    (gradients, added_up(sums))
}

#[inline(always)]
fn write_rectified<T: Element, const FUSED: bool>(
    gradient: &InputGradient<T>,
    values: &[T],
    given: &[T],
    (gradients, mut sums): (&mut [T], ColumnSums<T>),
) -> Vec<T> {
    let wide = gradient.means.len();
    let given = values.chunks(wide).zip(given.chunks(wide));
    for ((values, given), gradients) in given.zip(gradients.chunks_mut(wide)) {
        let written = gradients.iter_mut().zip(sums.next_sums());
        for (((&value, &given), (target, sum)), line) in
            values.iter().zip(given).zip(written).zip(gradient.lines())
        {
            let own = unless_cut(value, line.gradient::<FUSED>(value, given));
            *target = own;
            *sum += own;
        }
    }
    sums.total()
}
