//! Images as the kernels read them: padded, and with segments that are contiguous.
//!
//! A thread arranges one image at a time, or a band of one, into the same memory, which stays in its
//! cache. A padded copy of the whole batch went through memory and took longer than the convolution.

use std::borrow::Cow;
use std::ops::Range;

use super::Geometry;
use super::bands::Band;
use crate::element::Element;
use crate::kernels::columns::add;
use crate::kernels::lines::Lines;

/// Room for what is under a band of an image, arranged, or none where images are read as they lie.
pub(super) struct Arranged<T: Element> {
    places: Option<Places>,
    values: Lines<T>,
    /// Where it lies in images that are read so.
    lies: Range<usize>,
}

impl<T: Element> Arranged<T> {
    pub(super) fn new(g: &Geometry, band: &Band) -> Self {
        let places = Places::of(g, band);
        let lies = band.under.start * g.row()..band.under.end * g.row();
        let length = if places.is_some() { lies.len() } else { 0 };
        Self { places, values: Lines::zeros(length), lies }
    }

    /// Arranges the band of an image, for [`Arranged::get`]. Not within the loops over tiles, whose
    /// registers its own loops would take.
    #[inline(never)]
    pub(super) fn take(&mut self, image: &[T]) {
        let Some(places) = &self.places else { return };
        // What is padding is zero from the beginning, and stays so.
        places.each(|own, place, length| {
            self.values[place..place + length].copy_from_slice(&image[own..own + length]);
        });
    }

    /// The band of the image that was taken last, arranged.
    #[inline(always)]
    pub(super) fn get<'a>(&'a self, image: &'a [T]) -> &'a [T] {
        if self.places.is_some() { &self.values } else { &image[self.lies.clone()] }
    }

    /// The bands of some images one after another, each arranged.
    pub(super) fn all<'a>(&mut self, images: &'a [T], g: &Geometry) -> Cow<'a, [T]> {
        if self.places.is_none() && (images.len() == g.image() || self.lies.len() == g.image()) {
            return images[self.lies.start..][..images.len() / g.image() * self.lies.len()].into();
        }
        let mut all = Vec::with_capacity(images.len() / g.image() * self.lies.len());
        for image in images.chunks_exact(g.image()) {
            self.take(image);
            all.extend_from_slice(self.get(image));
        }
        all.into()
    }

    /// What to add the gradient of an arranged band to: its own, to be cleared first, or that of `image`.
    #[inline(always)]
    pub(super) fn gradient<'a>(&'a mut self, image: &'a mut [T]) -> &'a mut [T] {
        if self.places.is_none() {
            return &mut image[self.lies.clone()];
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

/// Where the values of the image that are under a band go.
struct Places {
    /// For each piece of a row: its place in the row, that in an arranged row, and its length.
    pieces: Vec<(usize, usize, usize)>,
    /// Of the image.
    rows: Range<usize>,
    row: usize,
    /// Where the first row goes.
    first: usize,
    arranged_row: usize,
}

impl Places {
    fn of(g: &Geometry, band: &Band) -> Option<Self> {
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
        let start = band.under.start.saturating_sub(g.padding);
        let end = band.under.end.saturating_sub(g.padding).min(g.height);
        let above = g.padding.saturating_sub(band.under.start);
        let first = above * arranged_row;
        Some(Self { pieces, rows: start..end, row, first, arranged_row })
    }

    #[inline(always)]
    fn each(&self, mut take: impl FnMut(usize, usize, usize)) {
        for (number, row) in self.rows.clone().enumerate() {
            for &(own, place, length) in &self.pieces {
                take(row * self.row + own, self.first + number * self.arranged_row + place, length);
            }
        }
    }
}
