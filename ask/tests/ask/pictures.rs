//! Pictures of MNIST digits, and the guide's.

use std::path::Path;

use image::GrayImage;
use pairnet_data::{Digits, Mnist, SIDE};

/// The indices of two test digits: a 3, and a 7.
pub(crate) fn three_and_seven(digits: &Digits) -> [usize; 2] {
    assert_eq!([30, 0].map(|index| digits.label(index)), [3, 7]);
    [30, 0]
}

/// A digit, each of its pixels `scale` pixels wide and high.
pub(crate) fn drawn(digits: &Digits, index: usize, scale: u32, dark_on_light: bool) -> GrayImage {
    let side = scale * SIDE as u32;
    GrayImage::from_fn(side, side, |x, y| {
        let level = digits.image(index)[(y / scale) as usize * SIDE + (x / scale) as usize];
        image::Luma([if dark_on_light { 255 - level } else { level }])
    })
}

/// `PAIRNET_DRAW=1` draws them.
#[test]
fn the_guides_pictures_are_test_digits() {
    let digits = Mnist::shipped().unwrap().test;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide"));
    for (name, index) in ["three.png", "seven.png"].into_iter().zip(three_and_seven(&digits)) {
        let picture = drawn(&digits, index, 8, true);
        let path = folder.join(name);
        if std::env::var_os("PAIRNET_DRAW").is_some() {
            picture.save(&path).unwrap();
        }
        assert!(image::open(&path).unwrap().into_luma8() == picture, "{}", path.display());
    }
}
