//! Vectors in rows and columns of memory, of which the last is checked and not each.
//!
//! A window or a tile of an image whose values are channels last. A check for each of its vectors takes about as many
//! instructions as what is computed of them.

use pulp::Simd;

use super::vectors::Vectors;

/// Where the vectors lie, in so many values of which the first begins the first of them.
#[derive(Clone, Copy)]
struct Places<const ROWS: usize, const COLUMNS: usize> {
    /// From one row or column to the next.
    row: usize,
    column: usize,
    /// Values of a vector: as many as it has, or fewer.
    length: usize,
}

impl<const ROWS: usize, const COLUMNS: usize> Places<ROWS, COLUMNS> {
    /// Panics unless all of them lie within so many values.
    #[inline(always)]
    fn new((row, column): (usize, usize), length: usize, values: usize) -> Self {
        let last = row.saturating_mul(ROWS - 1).saturating_add(column.saturating_mul(COLUMNS - 1));
        assert!(last.saturating_add(length) <= values, "a grid within {values} values");
        Self { row, column, length }
    }

    /// Where one begins and ends: within those values.
    #[inline(always)]
    fn at(self, row: usize, column: usize) -> std::ops::Range<usize> {
        assert!(row < ROWS && column < COLUMNS, "a place of the grid");
        let first = row * self.row + column * self.column;
        first..first + self.length
    }
}

/// A grid to be read.
pub(crate) struct Grid<'a, T, S, const ROWS: usize, const COLUMNS: usize> {
    simd: S,
    values: &'a [T],
    places: Places<ROWS, COLUMNS>,
}

impl<'a, T: Vectors, S: Simd, const ROWS: usize, const COLUMNS: usize>
    Grid<'a, T, S, ROWS, COLUMNS>
{
    /// From the beginning of `values` on; rows and columns are `apart`.
    ///
    /// Panics unless it lies within them.
    #[inline(always)]
    pub(crate) fn new(simd: S, values: &'a [T], apart: (usize, usize), length: usize) -> Self {
        Self { simd, values, places: Places::new(apart, length, values.len()) }
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> [T::Vector<S>; COLUMNS] {
        let mut vectors = [T::splat(self.simd, T::default()); COLUMNS];
        for column in 0..COLUMNS {
            let place = self.places.at(row, column);
            // SAFETY: all places of the grid are within the slice.
            #[expect(unsafe_code, reason = "checks take as long as what is computed")]
            let values = unsafe { self.values.get_unchecked(place) };
            vectors[column] = T::load(self.simd, values);
        }
        vectors
    }
}

/// A grid to be changed.
pub(crate) struct GridMut<'a, T, S, const ROWS: usize, const COLUMNS: usize> {
    simd: S,
    values: &'a mut [T],
    places: Places<ROWS, COLUMNS>,
}

impl<'a, T: Vectors, S: Simd, const ROWS: usize, const COLUMNS: usize>
    GridMut<'a, T, S, ROWS, COLUMNS>
{
    /// As [`Grid::new`].
    #[inline(always)]
    pub(crate) fn new(simd: S, values: &'a mut [T], apart: (usize, usize), length: usize) -> Self {
        let places = Places::new(apart, length, values.len());
        Self { simd, values, places }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, row: usize, column: usize, vector: T::Vector<S>) {
        T::store(self.simd, self.at(row, column), vector);
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, row: usize, column: usize, vector: T::Vector<S>) {
        let simd = self.simd;
        let values = self.at(row, column);
        T::store(simd, values, T::plus(simd, T::load(simd, values), vector));
    }

    #[inline(always)]
    fn at(&mut self, row: usize, column: usize) -> &mut [T] {
        let place = self.places.at(row, column);
        // SAFETY: all places of the grid are within the slice.
        #[expect(unsafe_code, reason = "checks take as long as what is computed")]
        unsafe {
            self.values.get_unchecked_mut(place)
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;

    #[test]
    fn a_grid_is_what_lies_so_far_apart() {
        let simd = Scalar::new();
        let mut values: Vec<f64> = (0..18).map(f64::from).collect();
        let grid = Grid::<_, _, 2, 3>::new(simd, &values[1..], (10, 3), 1);
        assert_eq!([grid.row(0), grid.row(1)], [[1.0, 4.0, 7.0], [11.0, 14.0, 17.0]]);
        let mut grid = GridMut::<_, _, 2, 3>::new(simd, &mut values[1..], (10, 3), 1);
        grid.set(0, 1, -4.0);
        grid.add(1, 2, 0.5);
        assert_eq!((values[4], values[17]), (-4.0, 17.5));
    }

    #[test]
    #[should_panic(expected = "a grid within 17 values")]
    fn one_that_ends_behind_the_values_is_refused() {
        Grid::<_, _, 2, 3>::new(Scalar::new(), &[0.0_f32; 17], (11, 3), 1);
    }

    #[test]
    #[should_panic(expected = "a grid within 17 values")]
    fn one_too_large_to_count_is_refused() {
        Grid::<_, _, 3, 3>::new(Scalar::new(), &[0.0_f32; 17], (usize::MAX / 2 + 1, 0), 1);
    }
}
