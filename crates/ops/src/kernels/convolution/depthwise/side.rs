//! Which taps of a filter reach what, along one side of an image.

use super::super::Geometry;

/// A tap of the filter, along one side, and the place that it reaches in what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) tap: usize,
    pub(super) source: usize,
}

/// A place of the result and the one of the image that a tap takes for it.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) result: usize,
    pub(super) image: usize,
}

/// A place, and how much farther than for the first of its kind what reaches it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) place: usize,
    pub(super) offset: usize,
}

/// Places along one side that the same taps reach.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Alike {
    /// As they reach the first of these.
    pub(super) taps: Vec<Tap>,
    pub(super) places: Vec<Place>,
}

/// All places, given the taps that reach each of them: from one place to another that the same taps reach, it is as far
/// for every tap.
pub(super) fn alike(taps: &[Vec<Tap>]) -> Vec<Alike> {
    let mut all: Vec<Alike> = Vec::new();
    for (place, taps) in taps.iter().enumerate() {
        let same = |first: &[Tap]| {
            let numbers = first.iter().map(|tap| tap.tap);
            first.len() == taps.len() && numbers.eq(taps.iter().map(|tap| tap.tap))
        };
        match all.iter_mut().find(|alike| same(&alike.taps)) {
            Some(Alike { taps: first, places }) => {
                let offset = taps.first().zip(first.first());
                let offset = offset.map_or(0, |(own, first)| own.source - first.source);
                places.push(Place { place, offset });
            }
            None => {
                let places = vec![Place { place, offset: 0 }];
                all.push(Alike { taps: taps.clone(), places });
            }
        }
    }
    all
}

/// Which taps reach what along one side of an image.
pub(super) struct Side {
    /// For each place of the result: from where in the image.
    pub(super) of_results: Vec<Vec<Tap>>,
    /// For each place of the image: from where in the result.
    pub(super) of_images: Vec<Vec<Tap>>,
    /// For each tap: all places that it joins.
    pub(super) of_taps: Vec<Vec<Pair>>,
}

impl Side {
    /// Of an image and its result of so many places, and a filter of so many taps.
    pub(super) fn new((image, result, size): (usize, usize, usize), g: &Geometry) -> Self {
        let mut of_results = vec![Vec::new(); result];
        let mut of_images = vec![Vec::new(); image];
        let mut of_taps = vec![Vec::new(); size];
        for (place, of_result) in of_results.iter_mut().enumerate() {
            for tap in 0..size {
                let padded = place * g.stride + tap * g.dilation;
                if let Some(source) = padded.checked_sub(g.padding).filter(|&at| at < image) {
                    of_result.push(Tap { tap, source });
                    of_images[source].push(Tap { tap, source: place });
                    of_taps[tap].push(Pair { result: place, image: source });
                }
            }
        }
        Self { of_results, of_images, of_taps }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::BAND;
    use super::*;

    #[test]
    fn places_that_the_same_taps_reach_are_as_far_apart_as_what_these_reach() {
        let g = Geometry {
            height: 1,
            width: 6,
            channels: 2,
            outputs: 2,
            kernel_height: 1,
            kernel_width: 3,
            padding: 1,
            stride: 2,
            dilation: 1,
            groups: 2,
            direct: false,
            im2col: false,
            band: BAND,
        };
        let side = Side::new((6, 3, 3), &g);
        let tap = |tap, source| Tap { tap, source };
        let places = |places: &[(usize, usize)]| {
            places.iter().map(|&(place, offset)| Place { place, offset }).collect()
        };
        // Each result lies at every second pixel, the first of which is padding for the first one.
        let expected = [
            Alike { taps: vec![tap(1, 0), tap(2, 1)], places: places(&[(0, 0)]) },
            Alike {
                taps: vec![tap(0, 1), tap(1, 2), tap(2, 3)],
                places: places(&[(1, 0), (2, 2)]),
            },
        ];
        assert_eq!(alike(&side.of_results), expected);
        // Even pixels are in the middle of one filter, others between two.
        let expected = [
            Alike { taps: vec![tap(1, 0)], places: places(&[(0, 0), (2, 1), (4, 2)]) },
            Alike { taps: vec![tap(2, 0), tap(0, 1)], places: places(&[(1, 0), (3, 1)]) },
            Alike { taps: vec![tap(2, 2)], places: places(&[(5, 0)]) },
        ];
        assert_eq!(alike(&side.of_images), expected);
        assert_eq!(alike(&[Vec::new(), Vec::new()]).len(), 1, "what no tap reaches");
    }
}
