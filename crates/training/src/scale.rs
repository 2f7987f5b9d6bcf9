//! What pixels are made into before a network sees them.

use candle_core::{Result, Tensor};

use crate::choices::InputScale;

/// A pixel x, 0 to 255, as a network sees it: (x − shift) / divisor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelScale {
    /// What is taken off.
    pub shift: f64,
    /// What the rest is divided by.
    pub divisor: f64,
}

impl PixelScale {
    /// Pixels as they are.
    pub const RAW: Self = Self { shift: 0.0, divisor: 1.0 };

    /// That of a recipe whose training images have these pixels.
    ///
    /// ```
    /// use pairnet_training::{InputScale, PixelScale};
    ///
    /// let pixels = [0.0, 10.0];
    /// let scale = PixelScale::of(InputScale::Standardised, &pixels);
    /// assert_eq!(scale, PixelScale { shift: 5.0, divisor: 5.0 });
    /// assert_eq!(PixelScale::of(InputScale::Unit, &pixels).divisor, 255.0);
    /// ```
    ///
    /// The standard deviation divides by the number of pixels. Of pixels that are all the same it is
    /// taken for 1.
    pub fn of(scale: InputScale, training_pixels: &[f32]) -> Self {
        match scale {
            InputScale::Raw => Self::RAW,
            InputScale::Unit => Self { shift: 0.0, divisor: 255.0 },
            InputScale::Standardised => {
                let mean = |of: &dyn Fn(f64) -> f64| {
                    let sum: f64 = training_pixels.iter().map(|&pixel| of(f64::from(pixel))).sum();
                    sum / training_pixels.len() as f64
                };
                let shift = mean(&|pixel| pixel);
                let deviation = mean(&|pixel| (pixel - shift).powi(2)).sqrt();
                Self { shift, divisor: if deviation > 0.0 { deviation } else { 1.0 } }
            }
        }
    }

    /// `pixels`, of any shape, as a network sees them.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn apply(&self, pixels: &Tensor) -> Result<Tensor> {
        if *self == Self::RAW {
            return Ok(pixels.clone());
        }
        pixels.affine(1.0 / self.divisor, -self.shift / self.divisor)
    }
}
