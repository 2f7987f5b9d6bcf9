//! The gradients of some images, in new memory.

use std::mem::MaybeUninit;

use crate::element::Element;

/// Gradients that begin with zero: an image's are zeroed when it is its turn, so that what is added next finds them in
/// the nearest cache.
pub(super) struct ImageGradients<'a, T> {
    places: &'a mut [MaybeUninit<T>],
    /// Values of an image.
    image: usize,
    /// Values from the first on that are zeroed, or more than that.
    begun: usize,
}

impl<'a, T: Element> ImageGradients<'a, T> {
    pub(super) fn new(places: &'a mut [MaybeUninit<T>], image: usize) -> Self {
        Self { places, image, begun: 0 }
    }

    /// How many images there are: none where their gradient is not wanted.
    pub(super) fn count(&self) -> usize {
        self.places.len() / self.image
    }

    /// The gradient of one of them.
    #[inline(always)]
    pub(super) fn of(&mut self, number: usize) -> &mut [T] {
        let first = number * self.image;
        &mut self.until(first + self.image)[first..]
    }

    /// Leaves no place without a value.
    pub(super) fn finish(mut self) {
        self.until(self.places.len());
    }

    /// So many from the first on.
    #[inline(always)]
    fn until(&mut self, end: usize) -> &mut [T] {
        if self.begun < end {
            self.places[self.begun..end].fill(MaybeUninit::new(T::ZERO));
            self.begun = end;
        }
        // SAFETY: all places before `begun` were written, by this function.
        #[expect(unsafe_code, reason = "memory is zeroed where a thread goes on with it")]
        unsafe {
            self.places[..end].assume_init_mut()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_stays_and_the_rest_is_zero() {
        let mut places = [MaybeUninit::uninit(); 6];
        let mut gradients = ImageGradients::new(&mut places, 2);
        assert_eq!(gradients.count(), 3);
        gradients.of(1)[0] = 1.0;
        gradients.of(0)[1] += 2.0;
        assert_eq!(gradients.of(1), [1.0, 0.0]);
        gradients.finish();
        // SAFETY: `finish` leaves no place without a value.
        #[expect(unsafe_code, reason = "the function under test")]
        let values = places.map(|place| unsafe { place.assume_init() });
        assert_eq!(values, [0.0, 2.0, 1.0, 0.0, 0.0, 0.0]);

        let none = ImageGradients::<f32>::new(&mut [], 2);
        assert_eq!(none.count(), 0);
        none.finish();
    }
}
