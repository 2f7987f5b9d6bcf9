//! The channels of narrow groups, spread for vectors to run along all groups.

use std::borrow::Cow;

use super::super::Geometry;
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::vectorised;

/// How many groups a layer has, and how many channels and outputs each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    count: usize,
    pub(super) channels: usize,
    pub(super) outputs: usize,
}

impl Groups {
    pub(super) fn of(g: &Geometry) -> Self {
        let own = g.group();
        Self { count: g.groups, channels: own.channels, outputs: own.outputs }
    }

    /// On the way back gradients are read, and channels written.
    pub(super) fn back(self) -> Self {
        Self { channels: self.outputs, outputs: self.channels, ..self }
    }

    fn is_single(self) -> bool {
        (self.channels, self.outputs) == (1, 1)
    }

    /// Room for [`Groups::spread`] of so many values.
    pub(super) fn room<T: Element>(self, values: usize) -> Lines<T> {
        Lines::unspecified(if self.is_single() { 0 } else { values * self.outputs })
    }

    /// Of each pixel a row for each channel of a group: the value that each output finds at that channel of its group.
    pub(super) fn spread<'a, T: Element>(self, pixels: &'a [T], room: &'a mut Lines<T>) -> &'a [T] {
        if self.is_single() {
            return pixels;
        }
        vectorised!(spread::<T>(self, pixels, room));
        room
    }

    /// The weights on the way back, a row of all channels for each tap, and there for each output of a group; from
    /// those of the way forward, which have a row of all outputs for each tap, and there for each channel of a group.
    pub(super) fn back_taps<T: Element>(self, taps: &[T]) -> Cow<'_, [T]> {
        if self.is_single() {
            return taps.into();
        }
        let Self { count, channels, outputs } = self;
        let weight = move |rows: &[T], output: usize, channel: usize| {
            let (group, channel) = (channel / channels, channel % channels);
            rows[channel * count * outputs + group * outputs + output]
        };
        let of_tap = |rows| {
            let row = move |output| {
                (0..count * channels).map(move |channel| weight(rows, output, channel))
            };
            (0..outputs).flat_map(row)
        };
        taps.chunks_exact(channels * count * outputs).flat_map(of_tap).collect()
    }
}

#[inline(always)]
fn spread<T: Element, const FUSED: bool>(groups: Groups, pixels: &[T], room: &mut [T]) {
    match groups.outputs {
        2 => each::<T, 2>(groups, pixels, room),
        4 => each::<T, 4>(groups, pixels, room),
        8 => each::<T, 8>(groups, pixels, room),
        outputs => rows(groups, pixels, room, |row, values| {
            for (target, &value) in row.chunks_exact_mut(outputs).zip(values) {
                target.fill(value);
            }
        }),
    }
}

/// Groups of so many outputs, which are written at once.
#[inline(always)]
fn each<T: Element, const OUTPUTS: usize>(groups: Groups, pixels: &[T], room: &mut [T]) {
    rows(groups, pixels, room, |row, values| {
        for (target, &value) in row.as_chunks_mut::<OUTPUTS>().0.iter_mut().zip(values) {
            *target = [value; OUTPUTS];
        }
    });
}

/// Writes each row of `room`, given the values of one channel of each group.
#[inline(always)]
fn rows<'a, T: Element>(
    groups: Groups,
    pixels: &'a [T],
    room: &mut [T],
    write: impl Fn(&mut [T], std::iter::StepBy<std::slice::Iter<'a, T>>),
) {
    let Groups { count, channels, outputs } = groups;
    let all = count * channels;
    for (pixel, rows) in pixels.chunks_exact(all).zip(room.chunks_exact_mut(all * outputs)) {
        for (channel, row) in rows.chunks_exact_mut(count * outputs).enumerate() {
            write(row, pixel[channel..].iter().step_by(channels));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_finds_the_channels_of_its_group() {
        let groups = Groups { count: 2, channels: 3, outputs: 2 };
        let pixels = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut room = groups.room::<f32>(pixels.len());
        let expected = [1.0, 1.0, 4.0, 4.0, 2.0, 2.0, 5.0, 5.0, 3.0, 3.0, 6.0, 6.0];
        assert_eq!(groups.spread(&pixels, &mut room), expected);
        let back = groups.back();
        let mut room = back.room::<f32>(4);
        let expected = [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0];
        assert_eq!(back.spread(&pixels[..4], &mut room), expected);
        // Of group 0 the outputs' weights 1 to 3 and 11 to 13, of group 1 21 to 23 and 31 to 33.
        let taps = [1.0, 11.0, 21.0, 31.0, 2.0, 12.0, 22.0, 32.0, 3.0, 13.0, 23.0, 33.0];
        let expected = [1.0, 2.0, 3.0, 21.0, 22.0, 23.0, 11.0, 12.0, 13.0, 31.0, 32.0, 33.0];
        assert_eq!(*groups.back_taps(&taps), expected);
    }
}
