//! The axes of curves: one for each quantity, whatever the recipe.

use std::ops::Range;

use super::super::Cell;
use super::super::chart::round_range;
use super::{ACCURACY, LOSS, Series, epochs, records};

/// Losses below this are drawn here: how a network that has learned everything by heart goes on
/// would take more room than how it learned.
const LOSS_FLOOR: f64 = 1e-3;
/// The axes that all panels of a quantity share, whatever their recipe.
pub(crate) struct Axes {
    /// In epochs, counted from 1.
    pub(crate) epochs: Range<f64>,
    /// Of values, or of their decimal logarithms.
    pub(crate) values: Range<f64>,
    pub(crate) label: &'static str,
    pub(crate) logarithmic: bool,
    /// Whether there are values below the axis, which are drawn at its end.
    pub(crate) below: bool,
}

impl Axes {
    pub(crate) fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic { value.log10() } else { value };
        place.clamp(self.values.start, self.values.end)
    }
}

fn epochs_range(cells: &[Cell<'_>]) -> Range<f64> {
    let longest = records(cells).map(|record| record.epochs.len()).max().unwrap_or(0);
    1.0..(longest as f64).max(1.5)
}

fn values<'a>(
    cells: &'a [Cell<'_>],
    series: &'a [Series; 2],
) -> impl Iterator<Item = f64> + use<'a> {
    epochs(cells).flat_map(|epoch| series.iter().filter_map(|one| (one.value)(epoch)))
}

pub(crate) fn accuracy_axes(cells: &[Cell<'_>]) -> Axes {
    let ends = records(cells).filter_map(|record| record.test_accuracy);
    Axes {
        epochs: epochs_range(cells),
        values: round_range(values(cells, &ACCURACY).chain(ends), 10.0).unwrap_or(0.0..1.0),
        label: "accuracy in %",
        logarithmic: false,
        below: false,
    }
}

pub(crate) fn loss_axes(cells: &[Cell<'_>]) -> Axes {
    let powers = || values(cells, &LOSS).filter(|loss| *loss > 0.0).map(f64::log10);
    let floor = LOSS_FLOOR.log10().round();
    // Whole powers below, and above no more room than is needed.
    let lowest = round_range(powers(), 1.0).map_or(floor, |range| range.start.max(floor));
    let highest = round_range(powers(), 0.25).map_or(0.0, |range| range.end.max(lowest + 1.0));
    Axes {
        epochs: epochs_range(cells),
        values: lowest..highest,
        label: "loss",
        logarithmic: true,
        below: values(cells, &LOSS).any(|loss| loss < 0.999 * 10f64.powf(lowest)),
    }
}

/// 10^`power`, as people write it.
pub(crate) fn number_of_power(power: f64) -> String {
    format!("{}", (10f64.powf(power) * 1e9).round() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_floor_is_drawn_on_it() {
        let axes =
            Axes { epochs: 1.0..2.0, values: -3.0..1.0, label: "", logarithmic: true, below: true };
        assert_eq!([1e-9, 0.0, 0.1, 10.0].map(|loss| axes.place(loss)), [-3.0, -3.0, -1.0, 1.0]);
        assert_eq!([-3.0, 0.0, 1.0].map(number_of_power), ["0.001", "1", "10"]);
    }
}
