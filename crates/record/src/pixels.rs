//! A small grey image as text.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A grey image of 14×14 pixels, row by row, 0 (background) to 255; in JSON two hexadecimal
/// digits a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels(pub [u8; Pixels::COUNT]);

impl Pixels {
    /// Height and width.
    pub const SIDE: usize = 14;
    /// Pixels of an image.
    pub const COUNT: usize = Self::SIDE * Self::SIDE;
}

impl Serialize for Pixels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        let digits = self.0.iter().flat_map(|&pixel| [digit(pixel >> 4), digit(pixel & 15)]);
        serializer.serialize_str(&digits.collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Pixels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() != 2 * Self::COUNT {
            let message = format_args!("{} digits for {} pixels", text.len(), Self::COUNT);
            return Err(D::Error::custom(message));
        }
        let mut pixels = [0; Self::COUNT];
        for (pixel, digits) in pixels.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16);
            let (Some(high), Some(low)) = (value(digits[0]), value(digits[1])) else {
                return Err(D::Error::custom("an image is written in hexadecimal digits"));
            };
            *pixel = (16 * high + low) as u8;
        }
        Ok(Self(pixels))
    }
}
