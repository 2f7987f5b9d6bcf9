//! Colours and transparency to grey.

use image::{DynamicImage, LumaA};

/// One byte a pixel, row by row; what is transparent is laid on a page of the opposite of what is drawn.
pub(crate) fn grey(picture: &DynamicImage) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.to_luma8().into_raw();
    }
    let pixels = picture.to_luma_alpha8();
    let (mut light, mut cover) = (0.0, 0.0);
    for LumaA([level, alpha]) in pixels.pixels() {
        light += f64::from(*level) * f64::from(*alpha);
        cover += f64::from(*alpha);
    }
    let page = if light > 127.5 * cover { 0 } else { 255 };
    let on_page = |LumaA([level, alpha]): &LumaA<u8>| {
        let (level, alpha) = (u32::from(*level), u32::from(*alpha));
        ((level * alpha + page * (255 - alpha) + 127) / 255) as u8
    };
    pixels.pixels().map(on_page).collect()
}
