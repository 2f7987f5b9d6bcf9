//! MNIST's own digits, drawn large, dark on light, off centre, on uneven paper: they come back.

use pairnet_data::Mnist;
use pairnet_images::{SIDE, like_mnist};

/// How many digits of the test split are drawn.
const DIGITS: usize = 500;

/// A page with a digit on it.
struct Page {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
}

/// `digit` with each pixel `times` as large, its first one at (`x`, `y`) of a page of this size.
fn page(
    digit: &[u8],
    times: usize,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
) -> Page {
    let mut pixels = vec![0; width * height];
    for row in 0..SIDE * times {
        for column in 0..SIDE * times {
            pixels[(y + row) * width + x + column] = digit[row / times * SIDE + column / times];
        }
    }
    Page { pixels, width, height }
}

fn large(digit: &[u8], times: usize) -> Page {
    page(digit, times, (0, 0), (SIDE * times, SIDE * times))
}

/// The mean difference, in grey levels, of the digits that come back from those that were drawn: sorted.
fn differences(draw: impl Fn(&[u8]) -> Page) -> Vec<f64> {
    let digits = Mnist::shipped().unwrap().test;
    let one = |index| {
        let digit = digits.image(index);
        let Page { pixels, width, height } = draw(digit);
        let found = like_mnist(&pixels, width, height).unwrap();
        let apart = found.iter().zip(digit).map(|(&a, &b)| f64::from(a.abs_diff(b)));
        apart.sum::<f64>() / found.len() as f64
    };
    let mut differences: Vec<f64> = (0..DIGITS).map(one).collect();
    differences.sort_by(f64::total_cmp);
    differences
}

/// How many come back to the last bit.
fn exact(differences: &[f64]) -> usize {
    differences.iter().filter(|&&difference| difference == 0.0).count()
}

/// Where the strongest ink is not quite 255 it becomes that, and where a whole row of the original is
/// but a trace, the crop begins after it.
#[test]
fn digits_on_an_even_page_come_back() {
    let small = differences(|digit| large(digit, 1));
    assert!(exact(&small) > DIGITS * 7 / 10, "{} of {DIGITS}", exact(&small));
    assert!(small[DIGITS * 99 / 100] < 0.25, "{}", small[DIGITS * 99 / 100]);
    for times in [5, 17] {
        assert_eq!(differences(|digit| large(digit, times)), small, "{times} times as large");
    }
    assert_eq!(differences(|digit| page(digit, 5, (400, 30), (600, 300))), small, "off centre");
    let dark_on_light = |digit: &[u8]| {
        let Page { pixels, width, height } = large(digit, 5);
        Page { pixels: pixels.iter().map(|level| 255 - level).collect(), width, height }
    };
    assert_eq!(differences(dark_on_light), small, "dark on light");
}

/// With half of the contrast half of the grey levels are lost.
#[test]
fn digits_on_grey_paper_come_back_nearly() {
    let found = differences(|digit| {
        let Page { pixels, width, height } = large(digit, 8);
        Page { pixels: pixels.iter().map(|level| 200 - level / 2).collect(), width, height }
    });
    assert!(found[DIGITS / 2] < 0.2, "{}", found[DIGITS / 2]);
    assert!(found[DIGITS * 9 / 10] < 0.5, "{}", found[DIGITS * 9 / 10]);
}

#[test]
fn digits_on_uneven_paper_come_back_nearly() {
    let found = differences(|digit| {
        let mut page = page(digit, 8, (60, 90), (500, 400));
        for (index, pixel) in page.pixels.iter_mut().enumerate() {
            // Five grains of paper, without a period in the rows' length.
            let grain = (index.wrapping_mul(2_654_435_761) >> 16) % 5;
            *pixel = 225 - (u32::from(*pixel) * 4 / 5) as u8 + grain as u8;
        }
        page
    });
    assert!(found[DIGITS / 2] < 1.0, "{}", found[DIGITS / 2]);
    assert!(found[DIGITS * 9 / 10] < 5.0, "{}", found[DIGITS * 9 / 10]);
}

#[test]
fn strokes_of_one_direction_fill_the_box() {
    let mut pixels = vec![255; 300 * 100];
    pixels[40 * 300 + 20..40 * 300 + 280].fill(0);
    let digit = like_mnist(&pixels, 300, 100).unwrap();
    let row = &digit[14 * SIDE..15 * SIDE];
    assert_eq!(row.iter().filter(|&&level| level == 255).count(), 20, "{row:?}");
    assert_eq!(digit.iter().filter(|&&level| level > 0).count(), 20);
}
