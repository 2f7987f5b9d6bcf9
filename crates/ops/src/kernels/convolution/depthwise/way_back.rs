//! From the gradient of a result to that of the images.

use std::mem::MaybeUninit;

use super::super::{Geometry, Then};
use super::Layer;
use super::gather::Gather;
use super::groups::Groups;
use super::side::{Alike, alike};
use crate::element::Element;
use crate::kernels::dispatch;
use crate::kernels::lines::Lines;

/// Each pixel's gradient is a sum over the taps that reach it: nothing is added to memory, whatever the stride.
pub(in super::super) struct WayBack<'a, T> {
    layer: &'a Layer<T>,
    /// The columns of the images.
    alike: Vec<Alike>,
    /// A row of all channels for each tap, and there for each output of a group.
    taps: Vec<T>,
    groups: Groups,
    width: usize,
    kernel_width: usize,
    /// What the sums begin with.
    zeros: Vec<T>,
}

impl<'a, T: Element> WayBack<'a, T> {
    pub(in super::super) fn new(layer: &'a Layer<T>, g: &Geometry) -> Self {
        let taps = layer.groups.back_taps(&layer.taps).into_owned();
        let (groups, width) = (layer.groups.back(), g.convolved().1);
        let zeros = vec![T::ZERO; g.channels];
        let alike = alike(&layer.columns.of_images);
        Self { layer, alike, taps, groups, width, kernel_width: g.kernel_width, zeros }
    }

    /// Room for what a result's gradient of so many values becomes.
    pub(in super::super) fn room(&self, values: usize) -> Lines<T> {
        self.groups.room(values)
    }

    /// Writes the gradient of an image.
    pub(in super::super) fn write(
        &self,
        gradients: &[T],
        room: &mut Lines<T>,
        image: &mut [MaybeUninit<T>],
    ) {
        dispatch(Gather {
            source: self.groups.spread(gradients, room),
            source_width: self.width,
            each: self.groups.channels,
            rows: &self.layer.rows.of_images,
            columns: &self.alike,
            taps: &self.taps,
            kernel_width: self.kernel_width,
            start: &self.zeros,
            then: Then::Nothing,
            target: image,
        });
    }
}
