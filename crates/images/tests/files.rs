//! Pictures as files: formats, transparency, and what is no picture.

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, LumaA, Rgba, RgbaImage};
use pairnet_data::Mnist;
use pairnet_images::{ImageError, SIDE, decode, read};
use proptest::prelude::*;

/// A digit five times as large, light on dark.
fn drawn() -> (GrayImage, Vec<u8>) {
    drawn_from(&Mnist::shipped().unwrap(), 0)
}

fn drawn_from(mnist: &Mnist, index: usize) -> (GrayImage, Vec<u8>) {
    let digit = mnist.test.image(index).to_vec();
    let level = |x, y| image::Luma([digit[(y / 5) as usize * SIDE + (x / 5) as usize]]);
    (GrayImage::from_fn(140, 140, level), digit)
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn each_format_is_read() {
    let (picture, digit) = drawn();
    let colours = DynamicImage::from(picture.clone()).to_rgb8();
    let even = decode(&encoded(colours.clone(), ImageFormat::Png)).unwrap();
    assert!(apart(&even, &digit) < 0.5, "{}", apart(&even, &digit));
    for format in [ImageFormat::Bmp, ImageFormat::WebP] {
        assert_eq!(decode(&encoded(colours.clone(), format)).unwrap(), even, "{format:?}");
    }
    let gif = decode(&encoded(colours, ImageFormat::Gif)).unwrap();
    assert!(apart(&gif, &digit) < 3.0, "{}", apart(&gif, &digit)); // 256 colours
}

/// JPEG leaves traces around each stroke, which move the crop of some digits.
#[test]
fn most_digits_survive_jpeg() {
    let mnist = Mnist::shipped().unwrap();
    let one = |index| {
        let (picture, digit) = drawn_from(&mnist, index);
        apart(&decode(&encoded(picture, ImageFormat::Jpeg)).unwrap(), &digit)
    };
    let mut found: Vec<f64> = (0..50).map(one).collect();
    found.sort_by(f64::total_cmp);
    assert!(found[25] < 2.0 && found[45] < 8.0, "{} {}", found[25], found[45]);
}

/// The mean difference in grey levels.
fn apart(found: &[u8], expected: &[u8]) -> f64 {
    let pairs = found.iter().zip(expected);
    pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / found.len() as f64
}

#[test]
fn what_is_transparent_is_page() {
    let (picture, _) = drawn();
    let plain = decode(&encoded(picture.clone(), ImageFormat::Png)).unwrap();
    // Ink of one colour, as much of it as the digit has there.
    for colour in [[0, 0, 0], [255, 255, 255]] {
        let pixel = |x, y| {
            let [r, g, b] = colour;
            Rgba([r, g, b, picture.get_pixel(x, y).0[0]])
        };
        let bytes = encoded(RgbaImage::from_fn(140, 140, pixel), ImageFormat::Png);
        assert_eq!(decode(&bytes).unwrap(), plain, "{colour:?}");
    }
    let whole =
        image::GrayAlphaImage::from_fn(140, 140, |x, y| LumaA([picture.get_pixel(x, y).0[0], 255]));
    assert_eq!(decode(&encoded(whole, ImageFormat::Png)).unwrap(), plain);
}

#[test]
fn what_is_no_picture_of_a_digit_is_told_in_a_sentence() {
    let blank = |width, height| encoded(GrayImage::new(width, height), ImageFormat::Png);
    let cases = [
        (Vec::new(), "it is empty"),
        (b"seven".to_vec(), "it is no picture that can be read"),
        (blank(1, 1), "nothing is drawn on it: its 1×1 pixels are all alike"),
        (blank(300, 200), "nothing is drawn on it: its 300×200 pixels are all alike"),
        (blank(50_000, 1), "it has 50000×1 pixels; at most 20000 on a side"),
        (blank(9000, 9000), "it has 9000×9000 pixels; at most 20000 on a side and 64000000 in all"),
        (encoded(RgbaImage::new(9, 9), ImageFormat::Png), "nothing is drawn on it"),
        (encoded(drawn().0, ImageFormat::Png)[..200].to_vec(), "it is damaged"),
    ];
    for (bytes, expected) in cases {
        let error = decode(&bytes).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_file_is_named_in_its_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seven.png");
    assert!(matches!(read(&path), Err(ImageError::Read { .. })));
    assert!(read(&path).unwrap_err().to_string().contains("seven.png"));
    assert!(read(dir.path()).is_err());
    std::fs::write(&path, "seven").unwrap();
    assert!(read(&path).unwrap_err().to_string().contains("seven.png: it is no picture"));
    let bytes = encoded(drawn().0, ImageFormat::Bmp);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path).unwrap(), decode(&bytes).unwrap(), "its bytes count, not its name");
}

#[test]
#[cfg(unix)]
fn what_has_no_end_is_not_read_to_it() {
    let error = read("/dev/zero".as_ref()).unwrap_err().to_string();
    assert_eq!(
        error,
        "/dev/zero: it has more than 256000000 bytes, which no picture needs that is read"
    );
}

proptest! {
    #[test]
    fn no_grey_levels_are_too_strange(pixels in proptest::collection::vec(any::<u8>(), 0..400), width in 0usize..40) {
        let height = pixels.len() / width.max(1);
        let pixels = &pixels[..width * height];
        let alike = pixels.windows(2).all(|pair| pair[0] == pair[1]);
        match pairnet_images::like_mnist(pixels, width, height) {
            Ok(digit) => prop_assert!(digit.iter().any(|&level| level > 0)),
            Err(error) => prop_assert!(alike, "{}", error),
        }
        prop_assert!(pairnet_images::like_mnist(pixels, width, height + 1).is_err() || width == 0);
    }

    #[test]
    fn no_changed_byte_panics(place in any::<prop::sample::Index>(), value in any::<u8>(), format in 0usize..5) {
        let formats = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Jpeg];
        let small = GrayImage::from_fn(12, 9, |x, y| image::Luma([(x * y) as u8]));
        let mut bytes = encoded(DynamicImage::from(small).to_rgb8(), formats[format]);
        let place = place.index(bytes.len());
        bytes[place] = value;
        let _ = decode(&bytes);
    }
}
