//! Colours that colour-blind readers can tell apart, on white and on black.
//!
//! The hues are those of Okabe and Ito (Color Universal Design, 2008). A picture names a colour by
//! its light value; [`dark_rules`] has a style sheet change it where the page is dark. So a reader
//! without style sheets gets the light picture, and none is drawn twice.

use std::fmt::Write as _;

/// A colour: its value on white, and on black.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    /// As `#RRGGBB` in capitals: what pictures are drawn with, one value a colour.
    pub(crate) light: &'static str,
    dark: &'static str,
}

/// Behind everything.
pub(crate) const PAPER: Colour = Colour { light: "#FFFFFF", dark: "#14181D" };
/// Text and what was published.
pub(crate) const INK: Colour = Colour { light: "#1B1F24", dark: "#E8EAED" };
/// Text of less weight.
pub(crate) const MUTED: Colour = Colour { light: "#565C64", dark: "#A9B1BA" };
/// Lines to read off values.
pub(crate) const GRID: Colour = Colour { light: "#DADDE1", dark: "#3A4149" };
/// Areas: the margin, boxes.
pub(crate) const SHADE: Colour = Colour { light: "#E6EDF4", dark: "#243040" };
/// The first of two.
pub(crate) const BLUE: Colour = Colour { light: "#0072B2", dark: "#56B4E9" };
/// The second of two.
pub(crate) const ORANGE: Colour = Colour { light: "#C04F00", dark: "#F39B4A" };
/// Around a digit's image.
pub(crate) const BLACK: Colour = Colour { light: "#000000", dark: "#000000" };

const ALL: [Colour; 8] = [PAPER, INK, MUTED, GRID, SHADE, BLUE, ORANGE, BLACK];

/// The rules that make the pictures below `scope` (a selector) dark.
pub(crate) fn dark_rules(scope: &str) -> String {
    ALL.iter().filter(|colour| colour.light != colour.dark).fold(
        String::new(),
        |mut rules, Colour { light, dark }| {
            for property in ["fill", "stroke"] {
                // Writing into a string cannot fail.
                let _ = write!(rules, "{scope}[{property}=\"{light}\"]{{{property}:{dark}}}");
            }
            rules
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::confusion::{GROUND, STRONGEST};
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2 asks for 4.5 : 1 where text is to be read, 3 : 1 for lines and marks.
    #[test]
    fn text_and_marks_stand_out_on_both_papers() {
        for colour in [INK, MUTED, BLUE, ORANGE] {
            assert!(contrast(colour.light, PAPER.light) > 4.5, "{colour:?}");
            assert!(contrast(colour.dark, PAPER.dark) > 4.5, "{colour:?}");
        }
        assert!(contrast(INK.light, SHADE.light) > 7.0 && contrast(INK.dark, SHADE.dark) > 7.0);
    }

    /// `colour` as it looks over `below`, where `opacity` of it is seen.
    fn over(below: &str, colour: &str, opacity: f64) -> String {
        let part =
            |text: &str, at: usize| f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap());
        let mixed =
            |at| (opacity * part(colour, at) + (1.0 - opacity) * part(below, at)).round() as u8;
        format!("#{:02X}{:02X}{:02X}", mixed(1), mixed(3), mixed(5))
    }

    #[test]
    fn numbers_can_be_read_on_the_strongest_cell() {
        let value: [fn(Colour) -> &'static str; 2] = [|colour| colour.light, |colour| colour.dark];
        for value in value {
            let ground = over(value(PAPER), value(SHADE), GROUND);
            let cell = over(&ground, value(ORANGE), STRONGEST);
            assert!(contrast(value(INK), &cell) > 4.5, "{} on {cell}", value(INK));
        }
    }

    #[test]
    fn no_two_colours_share_their_light_value() {
        for (index, colour) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.light != colour.light), "{colour:?}");
            assert_eq!(colour.light, colour.light.to_uppercase());
        }
    }
}
