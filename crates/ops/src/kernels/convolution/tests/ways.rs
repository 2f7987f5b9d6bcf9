//! Each way of the backward pass, against candle's own ops.

use super::super::{BAND, Geometry, Then, Tile, Way};
use super::{Case, apart, assert_the_same, by_kernels, made, on, quarters, uniform};

/// One layer a line: the way of its backward pass, side of the images, channels, outputs, filter, padding,
/// stride, dilation, groups, band, whether pooled, whether the images' gradient is wanted.
type Layer = (Way, [usize; 8], usize, (bool, bool));

#[test]
fn every_way_is_taken_and_gives_what_candles_own_ops_give() {
    let layers: [Layer; 82] = [
        // Less than a vector, some, more than are taken together; several outputs a channel; all settings.
        (Way::Depthwise, [8, 2, 2, 3, 1, 1, 1, 2], BAND, (false, true)),
        (Way::Depthwise, [8, 33, 33, 3, 1, 1, 1, 33], BAND, (false, true)),
        (Way::Depthwise, [7, 70, 70, 3, 1, 2, 1, 70], BAND, (false, true)),
        (Way::Depthwise, [9, 130, 130, 5, 2, 1, 1, 130], BAND, (false, true)),
        (Way::Depthwise, [9, 130, 130, 5, 2, 1, 1, 130], BAND, (false, false)),
        (Way::Depthwise, [11, 6, 18, 3, 0, 2, 2, 6], BAND, (false, true)),
        (Way::Depthwise, [40, 3, 6, 7, 3, 1, 1, 3], BAND, (false, true)),
        (Way::Depthwise, [5, 20, 20, 2, 3, 3, 1, 20], BAND, (false, true)),
        (Way::Depthwise, [6, 20, 40, 6, 0, 1, 1, 20], BAND, (false, true)),
        (Way::Depthwise, [9, 4, 4, 1, 0, 1, 1, 4], 50, (false, true)),
        // Narrow groups: of two channels and as many outputs, fewer, more; with all settings; pooled.
        (Way::Depthwise, [9, 72, 72, 3, 1, 1, 1, 36], BAND, (false, true)),
        (Way::Depthwise, [8, 64, 32, 3, 1, 2, 1, 16], BAND, (false, true)),
        (Way::Depthwise, [13, 72, 108, 3, 1, 1, 1, 36], BAND, (false, true)),
        (Way::Depthwise, [11, 48, 36, 2, 3, 2, 2, 12], BAND, (false, false)),
        (Way::Depthwise, [6, 32, 32, 5, 1, 1, 1, 8], 50, (false, true)),
        (Way::Depthwise, [3, 40, 80, 1, 0, 1, 1, 20], BAND, (false, false)),
        (Way::Unpooled, [6, 72, 72, 5, 1, 1, 1, 36], BAND, (true, true)),
        (Way::Unpooled, [8, 4, 4, 3, 1, 1, 1, 4], BAND, (true, true)),
        // One image of many filters: with and without room for a window, with all settings.
        (Way::Unpooled, [4, 128, 64, 3, 1, 1, 1, 1], BAND, (true, true)),
        (Way::Im2col, [2, 96, 150, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Unpooled, [9, 40, 70, 5, 2, 2, 2, 1], BAND, (true, false)),
        (Way::Im2col, [5, 260, 257, 1, 1, 2, 1, 1], 700, (false, true)),
        // Whole tiles and others, whole panels and others; pooled.
        (Way::ByFilters, [16, 128, 128, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::ByFilters, [13, 140, 120, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::ByFilters, [11, 130, 131, 3, 2, 1, 1, 1], 700, (false, false)),
        (Way::Unpooled, [15, 120, 141, 3, 1, 1, 1, 1], BAND, (true, true)),
        // In groups: as wide as panels, of which several are in one panel, that lie across panels, that are wider.
        (Way::ByFilters, [12, 128, 128, 3, 1, 1, 1, 4], BAND, (false, true)),
        (Way::ByFilters, [14, 130, 78, 3, 0, 1, 1, 13], BAND, (false, true)),
        (Way::ByFilters, [11, 160, 96, 3, 2, 1, 1, 4], 700, (false, false)),
        (Way::Unpooled, [12, 96, 192, 3, 1, 1, 1, 3], BAND, (true, true)),
        // A block for each image.
        (Way::ByFilters, [47, 66, 54, 3, 1, 1, 1, 6], BAND, (false, true)),
        (Way::Groups, [8, 6, 32, 3, 1, 1, 1, 2], BAND, (false, true)),
        // Two groups are taken together, or one by one.
        (Way::Groups, [6, 96, 96, 3, 1, 2, 1, 8], BAND, (false, true)),
        (Way::Groups, [6, 96, 96, 5, 1, 1, 1, 8], BAND, (true, true)),
        (Way::Groups, [5, 66, 132, 2, 0, 1, 2, 2], BAND, (false, true)),
        // With a stride: each pixel's gradient by itself, with all settings, where some have none; and pooled.
        (Way::Groups, [13, 96, 48, 3, 1, 2, 1, 12], BAND, (false, true)),
        (Way::Groups, [14, 42, 35, 3, 1, 3, 2, 7], 50, (false, true)),
        (Way::Groups, [14, 40, 40, 1, 0, 3, 1, 5], BAND, (false, true)),
        (Way::Groups, [13, 96, 48, 3, 1, 2, 1, 12], BAND, (true, true)),
        // Of many filters each: the whole batch at once.
        (Way::Groups, [4, 256, 256, 3, 1, 1, 1, 2], BAND, (false, true)),
        (Way::OnePatch, [3, 20, 33, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::OnePatch, [3, 20, 33, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 1, 16, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [13, 1, 16, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 2, 16, 3, 1, 2, 1, 1], BAND, (false, false)),
        (Way::ShortPatches, [12, 2, 32, 3, 1, 1, 1, 1], BAND, (true, false)),
        (Way::Sparse, [12, 2, 32, 3, 1, 2, 1, 1], BAND, (true, false)),
        (Way::Sparse, [12, 3, 17, 5, 2, 1, 1, 1], BAND, (true, true)),
        (Way::Sparse, [12, 3, 17, 5, 2, 1, 1, 1], BAND, (true, false)),
        (Way::Sparse, [12, 3, 17, 5, 2, 1, 1, 1], 500, (true, true)),
        (Way::Sparse, [7, 4, 70, 3, 1, 1, 1, 1], BAND, (true, true)),
        // The results of pooled layers are of minimal filtering where those of others are.
        (Way::Sparse, [6, 16, 32, 3, 0, 1, 1, 1], BAND, (true, true)),
        (Way::Sparse, [11, 16, 32, 3, 1, 1, 1, 1], BAND, (true, true)),
        (Way::Sparse, [9, 16, 32, 3, 1, 1, 1, 1], BAND, (true, true)),
        (Way::Sparse, [9, 17, 33, 3, 1, 1, 1, 1], 2500, (true, true)),
        // As many tiles as are worked out together, fewer, more; whole vectors and others.
        (Way::Winograd(Tile::Two), [8, 16, 32, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd(Tile::Two), [8, 16, 32, 3, 0, 1, 1, 1], BAND, (false, false)),
        (Way::Winograd(Tile::Two), [10, 17, 33, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd(Tile::Two), [12, 32, 16, 3, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd(Tile::Two), [18, 16, 16, 3, 1, 1, 1, 1], 9000, (false, true)),
        (Way::Winograd(Tile::Four), [6, 16, 32, 3, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd(Tile::Four), [8, 16, 32, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Winograd(Tile::Four), [8, 17, 33, 3, 1, 1, 1, 1], BAND, (false, false)),
        (Way::Winograd(Tile::Four), [10, 33, 16, 3, 2, 1, 1, 1], BAND, (false, true)),
        // In bands of four rows, and of two.
        (Way::Winograd(Tile::Four), [20, 16, 16, 3, 1, 1, 1, 1], 6000, (false, true)),
        (Way::Winograd(Tile::Two), [20, 16, 16, 3, 1, 1, 1, 1], 900, (false, true)),
        // An odd side, too few channels, too few outputs.
        (Way::Direct, [9, 16, 16, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 15, 16, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 16, 15, 3, 1, 1, 1, 1], BAND, (false, false)),
        // Stride 1, whose images' gradient is a convolution: fewer outputs than a vector has, as many, more.
        (Way::Direct, [8, 5, 7, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [9, 33, 40, 1, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [9, 3, 64, 5, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [11, 4, 20, 3, 0, 1, 2, 1], BAND, (false, true)),
        // More positions than stay in the nearest cache.
        (Way::Direct, [12, 33, 40, 1, 0, 1, 1, 1], BAND, (false, true)),
        (Way::Direct, [25, 6, 40, 3, 1, 2, 1, 1], BAND, (false, true)),
        // Others, whose images' gradient is a product: with a stride, with more padding than the filter reaches.
        (Way::Direct, [13, 4, 20, 3, 1, 2, 1, 1], BAND, (false, true)),
        (Way::Direct, [13, 4, 20, 1, 0, 2, 1, 1], BAND, (false, true)),
        (Way::Direct, [8, 4, 20, 2, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Patches, [5, 4, 33, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Patches, [5, 4, 33, 3, 1, 1, 1, 1], BAND, (false, false)),
        (Way::Patches, [9, 4, 20, 3, 1, 1, 1, 1], 700, (false, true)),
        (Way::Patches, [9, 4, 20, 3, 1, 2, 2, 1], 700, (false, true)),
    ];
    let sparse = [
        (Way::Sparse, [8, 6, 7, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Sparse, [9, 5, 40, 5, 2, 1, 1, 1], BAND, (false, true)),
        (Way::Sparse, [13, 16, 70, 1, 0, 2, 1, 1], BAND, (false, false)),
        (Way::Direct, [9, 5, 20, 3, 1, 1, 1, 1], BAND, (false, true)),
        (Way::Patches, [5, 6, 33, 3, 1, 1, 1, 1], BAND, (false, true)),
    ];
    let layers = layers.map(|layer| (layer, false));
    // The result's gradient is mostly zero.
    let sparse = sparse.map(|layer| (layer, true));
    for ((way, sizes, band, (pooled, of_images)), zeros) in layers.into_iter().chain(sparse) {
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
            direct: false,
            im2col: false,
            band,
        };
        let g = g.for_batch(1);
        let then = if pooled { Then::ReluMaxPool } else { Then::Relu };
        let taken = g.of_batch(1, then);
        assert_eq!(Way::of(&taken, 1, then, of_images, || zeros), way, "{sizes:?}");
        // More images than a thread takes at a time, and one.
        let more = if channels * outputs < 1 << 13 { 33 } else { 3 };
        for (count, other) in [(more, false), (1, true)] {
            let g = g.for_batch(count);
            assert_the_same(&Case { g, count, pooled, other, of_images, zeros });
        }
    }
}

/// Layers that are taken by minimal filtering, forward and back, by tiles of either size.
fn minimal() -> [(Case, Tile); 2] {
    [((8, 12), Tile::Four), ((6, 10), Tile::Two)].map(|((height, width), tile)| {
        let g = Geometry {
            height,
            width,
            channels: 20,
            outputs: 18,
            kernel_height: 3,
            kernel_width: 3,
            padding: 1,
            stride: 1,
            dilation: 1,
            groups: 1,
            direct: false,
            im2col: false,
            band: BAND,
        };
        assert_eq!(Way::of(&g, 3, Then::Nothing, true, || true), Way::Winograd(tile));
        (Case { g, count: 3, pooled: false, other: false, of_images: true, zeros: false }, tile)
    })
}

#[test]
fn a_pixel_that_is_no_number_spoils_its_tiles_alone() {
    for ((mut case, tile), direct) in
        minimal().into_iter().flat_map(|one| [(one, true), (one, false)])
    {
        case.g.direct = direct;
        let Geometry { height, width, channels, outputs, .. } = case.g;
        let mut given = made(&case, Then::Nothing, quarters);
        let (y, x) = (3, 6);
        given[0][(y * width + x) * channels + 5] = f64::NAN;
        let [result, ..] = by_kernels(&case, Then::Nothing, &given);
        for (place, values) in result.chunks_exact(outputs).enumerate() {
            let (image, row, column) =
                (place / (height * width), place / width % height, place % width);
            // Whether the pixel is one of so many from one before a place on.
            let near = |row: usize, column: usize, size: usize| {
                let under =
                    |first: usize, pixel: usize| (first..first + size).contains(&(pixel + 1));
                image == 0 && under(row, y) && under(column, x)
            };
            let side = tile.side();
            let patch = near(row, column, 3);
            let of_tile = near(row / side * side, column / side * side, side + 2);
            let spoilt = values.iter().all(|value| value.is_nan());
            let whole = values.iter().all(|value| value.is_finite());
            assert!(if patch { spoilt } else { whole || !direct && of_tile }, "{row}, {column}");
        }
    }
}

#[test]
fn many_filters_are_transformed_for_enough_tiles_alone() {
    // Channels, outputs, side; the batches from which on minimal filtering is worth its transforms.
    let layers = [(256, 256, 8, 2), (512, 512, 4, 8)];
    for (channels, outputs, side, enough) in layers {
        let (case, _) = minimal()[0];
        let g = Geometry { height: side, width: side, channels, outputs, ..case.g };
        let direct = |count: usize| g.of_batch(count, Then::Nothing).direct;
        assert_eq!([1, enough - 1, enough, 1000].map(direct), [true, true, false, false], "{side}");
    }
    // Not of the paper's layers, whose results are on record, however few images there are.
    let (case, _) = minimal()[0];
    let g = Geometry { height: 6, width: 6, channels: 16, outputs: 32, padding: 0, ..case.g };
    assert!(!g.of_batch(1, Then::ReluMaxPool).direct);
}

#[test]
fn groups_are_taken_together_unless_all_sums_have_to_be_direct() {
    let layer = |channels, outputs, groups, direct| {
        let (case, _) = minimal()[0];
        Geometry { channels, outputs, groups, direct, ..case.g }
    };
    let taken = [
        ((32, 64, 8), 1),
        ((64, 64, 2), 1),
        ((4, 8, 4), 1),
        // More than four vectors: as many as make two.
        ((128, 128, 32), 4),
        ((66, 66, 33), 3),
        ((128, 128, 2), 2),
        ((70, 70, 35), 5),
    ];
    for ((channels, outputs, groups), together) in taken {
        let g = layer(channels, outputs, groups, false);
        assert_eq!(g.together().groups, together, "{channels}, {outputs}, {groups}");
        assert_eq!(layer(channels, outputs, groups, true).together().groups, groups);
    }
    // A vector's worth of them, where all sums are direct ones.
    let strided = Geometry { stride: 2, ..layer(64, 64, 8, false) };
    assert_eq!(strided.together().groups, 4);
    // No sum has a term of another group's pixels then.
    let (mut case, _) = minimal()[0];
    case.g = layer(6, 12, 2, true);
    let mut given = made(&case, Then::Nothing, quarters);
    given[0].iter_mut().step_by(6).for_each(|pixel| *pixel = f64::NAN);
    let [result, images, ..] = by_kernels(&case, Then::Nothing, &given);
    assert!(result.chunks_exact(12).all(|place| place[..6].iter().all(|value| value.is_nan())));
    assert!(result.chunks_exact(12).all(|place| place[6..].iter().all(|value| value.is_finite())));
    assert!(images.iter().all(|gradient| gradient.is_finite()), "no gradient asks for the pixels");
    let mut given = made(&case, Then::Nothing, quarters);
    given[3].iter_mut().step_by(12).for_each(|gradient| *gradient = f64::NAN);
    let [_, images, ..] = by_kernels(&case, Then::Nothing, &given);
    assert!(images.chunks_exact(6).all(|pixel| pixel[..3].iter().all(|value| value.is_nan())));
    assert!(images.chunks_exact(6).all(|pixel| pixel[3..].iter().all(|value| value.is_finite())));
}

/// So many tiles that each thread takes some images, or a band of one.
#[test]
fn pooled_gradients_of_many_filters_are_filtered_like_others() {
    let (case, _) = minimal()[0];
    for (side, count, band) in [(8, 70, BAND), (24, 8, 100_000)] {
        let (height, width, channels, outputs) = (side, side, 550, 60);
        let g = Geometry { height, width, channels, outputs, band, ..case.g }.for_batch(count);
        let case = Case { g, count, pooled: true, ..case };
        let of = |then| Way::of(&g.of_batch(count, then), count, then, true, || false);
        assert_eq!(of(Then::ReluMaxPool), Way::Unpooled);
        assert_eq!(of(Then::Nothing), Way::Winograd(Tile::Four));
        assert_eq!(g.bands(Then::Nothing).len() > 1, band < BAND);
        assert_the_same(&case);
    }
}

#[test]
fn threads_that_share_filters_change_no_bit() {
    let (case, _) = minimal()[0];
    let layer = |count: usize| {
        let g = Geometry { height: 11, channels: 130, outputs: 200, ..case.g }.for_batch(count);
        (Way::of(&g, count, Then::Relu, true, || true), Case { g, count, ..case })
    };
    // Seventeen are more matrices of tiles than are multiplied together.
    let cases = [(1, Way::Im2col), (9, Way::ByFilters), (17, Way::ByFilters)];
    for (count, expected) in cases {
        let (way, case) = layer(count);
        assert_eq!(way, expected, "{count} images");
        let narrow = made(&case, Then::Relu, uniform);
        let narrow = narrow.map(|values| values.iter().map(|&value| value as f32).collect());
        let bits = |threads| {
            let found = on(threads, || by_kernels(&case, Then::Relu, &narrow));
            found.map(|values| values.iter().map(|x: &f32| x.to_bits()).collect::<Vec<_>>())
        };
        let alone = bits(1);
        for threads in [2, 3, 7] {
            assert!(bits(threads) == alone, "{threads} threads, {case:?}");
        }
    }
}

#[test]
fn minimal_filtering_rounds_no_more_than_direct_sums_may() {
    let g = Geometry { height: 11, channels: 130, outputs: 131, ..minimal()[0].0.g };
    let shared = Case { g, count: 3, ..minimal()[0].0 };
    assert_eq!(Way::of(&g, 3, Then::Nothing, true, || true), Way::ByFilters);
    for case in minimal().map(|(case, _)| case).into_iter().chain([shared]) {
        let given = made(&case, Then::Nothing, uniform);
        let narrow = given.map(|values| values.iter().map(|&value| value as f32).collect());
        let wide = |values: &Vec<f32>| values.iter().map(|&value| f64::from(value)).collect();
        let exact = by_kernels(&case, Then::Nothing, &narrow.each_ref().map(wide));
        let found = by_kernels(&case, Then::Nothing, &narrow).each_ref().map(wide);
        for (exact, found) in exact.iter().zip(&found) {
            let apart = apart(found, exact);
            // Of more terms it grows as their root.
            let most = 16.0 * (case.g.channels as f64 / 20.0).sqrt() * f64::from(f32::EPSILON);
            assert!(apart < most, "{case:?}: {apart}");
        }
    }
}
