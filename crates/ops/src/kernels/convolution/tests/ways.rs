//! Each way of the backward pass, against candle's own ops.

use super::super::{BAND, Geometry, Then, Way};
use super::{Case, assert_the_same};

/// One layer a line: the way of its backward pass, side of the images, channels, outputs, filter, padding,
/// stride, dilation, groups, band, whether pooled, whether the images' gradient is wanted.
type Layer = (Way, [usize; 8], usize, (bool, bool));

#[test]
fn every_way_is_taken_and_gives_what_candles_own_ops_give() {
    let layers: [Layer; 33] = [
        (Way::Groups, [8, 6, 32, 3, 1, 1, 1, 2], BAND, (false, true)),
        (Way::Groups, [8, 4, 4, 3, 1, 1, 1, 4], BAND, (true, true)),
        (Way::OnePatch, [3, 20, 33, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::OnePatch, [3, 20, 33, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 1, 16, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [13, 1, 16, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 2, 16, 3, 1, 2, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 2, 32, 3, 1, 1, 1, 1], BAND, (true, false)),
        (Way::Pooled, [12, 2, 32, 3, 1, 2, 1, 1], BAND, (true, false)),
        (Way::Pooled, [12, 3, 17, 5, 2, 1, 1, 1], BAND, (true, true)),
        (Way::Pooled, [12, 3, 17, 5, 2, 1, 1, 1], BAND, (true, false)),
        (Way::Pooled, [12, 3, 17, 5, 2, 1, 1, 1], 500, (true, true)),
        // The results of pooled layers are of minimal filtering where those of others are.
        (Way::Pooled, [9, 16, 32, 3, 1, 1, 1, 1], BAND, (true, true)),
        (Way::Pooled, [9, 17, 33, 3, 1, 1, 1, 1], 2500, (true, true)),
        // As many windows as are worked out together, fewer, more; whole vectors and others.
        (Way::Winograd, [6, 16, 32, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd, [6, 16, 32, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::Winograd, [8, 17, 33, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd, [12, 32, 16, 3, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd, [18, 16, 16, 3, 1, 1, 1, 1], 9000, (false, true)),
        // An odd side, too few channels, too few outputs.
        (Way::Direct, [9, 16, 16, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 15, 16, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 16, 15, 3, 1, 1, 1, 1], BAND, (false, false)),
        // Stride 1, whose images' gradient is a convolution: fewer outputs than a vector has, as many, more.
        (Way::Direct, [8, 5, 7, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [9, 33, 40, 1, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [9, 3, 64, 5, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [11, 4, 20, 3, 0, 1, 2, 1], BAND, (false, true)),
        // Others, whose images' gradient is a product: with a stride, with more padding than the filter reaches.
        (Way::Direct, [13, 4, 20, 3, 1, 2, 1, 1], BAND, (false, true)),
        (Way::Direct, [13, 4, 20, 1, 0, 2, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 4, 20, 2, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Patches, [5, 4, 33, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Patches, [5, 4, 33, 3, 1, 1, 1, 1], BAND, (false, false)),
        (Way::Patches, [9, 4, 20, 3, 1, 1, 1, 1], 700, (false, true)),
        (Way::Patches, [9, 4, 20, 3, 1, 2, 2, 1], 700, (false, true)),
    ];
    for (way, sizes, band, (pooled, of_images)) in layers {
        let [side, channels, outputs, filter, padding, stride, dilation, groups] = sizes;
        let g = Geometry {
            height: side,
            width: side,
            channels,
            outputs,
            kernel_height: filter,
            kernel_width: filter,
            padding,
            stride,
            dilation,
            groups,
            band,
        };
        let then = if pooled { Then::ReluMaxPool } else { Then::Relu };
        assert_eq!(Way::of(&g, then, of_images), way, "{sizes:?}");
        // More images than a thread takes at a time, and one.
        for (count, other) in [(33, false), (1, true)] {
            assert_the_same(&Case { g, count, pooled, other, of_images });
        }
    }
}
