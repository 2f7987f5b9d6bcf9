//! Images as the kernels read them: padded, and with segments that are contiguous.
//!
//! A thread arranges one image at a time into the same memory, which stays in its cache. A padded copy
//! of the whole batch went through memory and took longer than the convolution.

use std::borrow::Cow;

use super::Geometry;
use crate::element::Element;
use crate::kernels::columns::add;

/// Room for one arranged image, or none where images are read as they lie.
pub(super) struct Arranged<T> {
    places: Option<Places>,
    values: Vec<T>,
}

impl<T: Element> Arranged<T> {
    pub(super) fn new(g: &Geometry) -> Self {
        let places = Places::of(g);
        let length = if places.is_some() { g.arranged() } else { 0 };
        Self { places, values: vec![T::ZERO; length] }
    }

    /// Arranges an image, for [`Arranged::get`]. Not within the loops over tiles, whose registers its own
    /// loops would take.
    #[inline(never)]
    pub(super) fn take(&mut self, image: &[T]) {
        let Some(places) = &self.places else { return };
        // What is padding is zero from the beginning, and stays so.
        places.each(|own, place, length| {
            self.values[place..place + length].copy_from_slice(&image[own..own + length]);
        });
    }

    /// The image that was taken last, arranged.
    #[inline(always)]
    pub(super) fn get<'a>(&'a self, image: &'a [T]) -> &'a [T] {
        if self.places.is_some() { &self.values } else { image }
    }

    /// Some images one after another, each arranged.
    pub(super) fn all<'a>(&mut self, images: &'a [T], g: &Geometry) -> Cow<'a, [T]> {
        if self.places.is_none() {
            return images.into();
        }
        let mut all = Vec::with_capacity(images.len() / g.image() * g.arranged());
        for image in images.chunks_exact(g.image()) {
            self.take(image);
            all.extend_from_slice(&self.values);
        }
        all.into()
    }

    /// What to add the gradient of an arranged image to: its own, to be cleared first, or `image`.
    #[inline(always)]
    pub(super) fn gradient<'a>(&'a mut self, image: &'a mut [T]) -> &'a mut [T] {
        if self.places.is_none() {
            return image;
        }
        &mut self.values
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.values.fill(T::ZERO);
    }

    /// Adds what [`Arranged::gradient`] holds to the gradient of the image: that of the padding is
    /// nobody's.
    #[inline(never)]
    pub(super) fn add_to(&self, image: &mut [T]) {
        let Some(places) = &self.places else { return };
        places.each(|own, place, length| {
            let terms = &self.values[place..place + length];
            add(&mut image[own..own + length], terms);
        });
    }
}

/// Where an image's values go.
struct Places {
    /// For each piece of a row: its place in the row, that in an arranged row, and its length.
    pieces: Vec<(usize, usize, usize)>,
    rows: usize,
    row: usize,
    /// Where the first row goes.
    first: usize,
    arranged_row: usize,
}

impl Places {
    fn of(g: &Geometry) -> Option<Self> {
        let channels = g.channels;
        let pieces = if g.parted() {
            let piece = |x: usize, column: usize| {
                let own = (x * g.stride + column * g.dilation).checked_sub(g.padding)?;
                let place = x * g.segment() + column * channels;
                (own < g.width).then_some((own * channels, place, channels))
            };
            (0..g.convolved().1)
                .flat_map(|x| (0..g.kernel_width).filter_map(move |column| piece(x, column)))
                .collect()
        } else if g.padding > 0 {
            vec![(0, g.padding * channels, g.width * channels)]
        } else {
            return None;
        };
        let (row, arranged_row) = (g.width * channels, g.row());
        Some(Self { pieces, rows: g.height, row, first: g.padding * arranged_row, arranged_row })
    }

    #[inline(always)]
    fn each(&self, mut take: impl FnMut(usize, usize, usize)) {
        for row in 0..self.rows {
            for &(own, place, length) in &self.pieces {
                take(row * self.row + own, self.first + row * self.arranged_row + place, length);
            }
        }
    }
}
