//! A matrix in memory that is another's.

use crate::element::Element;

/// A matrix of `rows` × `columns` in a slice, at any strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(super) values: &'a [T],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// The row-major matrix that fills `values`.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "matrix of {rows} by {columns}");
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// As many rows at a time, the last ones may be fewer, each with the number of its first row.
    pub(in crate::kernels) fn bands(self, rows: usize) -> impl Iterator<Item = (usize, Self)> {
        (0..self.rows).step_by(rows.max(1)).map(move |first| {
            let values = self.values.get(first * self.row_stride..).unwrap_or_default();
            (first, Self { values, rows: rows.min(self.rows - first), ..self })
        })
    }

    /// Whether what lies one stride apart falls into the same few sets of the cache, which hold fewer of them than are
    /// read before their neighbours are: a *critical stride* (Fog, Optimizing software in C++, section 9.10).
    pub(super) fn has_critical_stride(&self, bytes: usize) -> bool {
        let apart = self.row_stride.max(self.column_stride) * size_of::<T>();
        self.rows > 1 && apart > 0 && apart.is_multiple_of(bytes)
    }

    /// The same values in `room`, in which what lay one stride apart is a cache line further apart than it need be.
    pub(super) fn spread(self, room: &mut Vec<T>) -> Matrix<'_, T>
    where
        T: Element,
    {
        if !self.is_row_major() {
            return self.transposed().spread(room).transposed();
        }
        let row_stride = self.columns + 64 / size_of::<T>();
        room.clear();
        for row in self.values.chunks(self.row_stride).take(self.rows) {
            room.extend_from_slice(&row[..self.columns]);
            // Nobody reads what lies in between.
            room.resize(room.len() + row_stride - self.columns, T::ZERO);
        }
        Matrix { values: room, row_stride, ..self }
    }

    /// Whether the values of a row lie in memory one after another; else that is so of the
    /// [`Matrix::transposed`] one's.
    pub(in crate::kernels) fn is_row_major(&self) -> bool {
        self.column_stride == 1
    }

    /// The same matrix, where it is of f32.
    pub(in crate::kernels) fn as_f32(&self) -> Option<Matrix<'a, f32>>
    where
        T: Element,
    {
        let &Self { values, rows, columns, row_stride, column_stride } = self;
        let values = T::as_f32(values)?;
        Some(Matrix { values, rows, columns, row_stride, column_stride })
    }

    /// A row of a row-major matrix.
    #[inline(always)]
    pub(in crate::kernels) fn row(&self, row: usize) -> &'a [T] {
        assert!(self.is_row_major(), "a row whose values lie in memory one after another");
        &self.values[row * self.row_stride..][..self.columns]
    }

    /// The values of a row from a column on, and the distance from one to the next.
    #[inline(always)]
    pub(in crate::kernels) fn row_from(&self, row: usize, column: usize) -> (&'a [T], usize) {
        (&self.values[row * self.row_stride + column * self.column_stride..], self.column_stride)
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}
