//! Vectors of either float type, in the registers of whichever instruction set.

use std::mem::MaybeUninit;

use pulp::Simd;

/// A float type whose values can be computed with a register at a time.
///
/// The loops that spend most of the time are written with these, since the compiler finds vectors
/// in some loops of that kind and not in others that look the same.
pub(crate) trait Vectors: Copy + Default + Send + Sync + 'static {
    /// A register full of values.
    type Vector<S: Simd>: Copy;
    /// The truth of a comparison, lane by lane.
    type Mask<S: Simd>: Copy;

    /// Values in one vector.
    fn lanes<S: Simd>() -> usize;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// The whole vectors of a slice.
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    /// The first values of a slice; zeros where it ends.
    fn load<S: Simd>(simd: S, values: &[Self]) -> Self::Vector<S>;
    /// Writes as many values as the slice has places for.
    fn store<S: Simd>(simd: S, target: &mut [Self], vector: Self::Vector<S>);
    /// [`Vectors::store`] to places that may have no values yet.
    fn write<S: Simd>(simd: S, target: &mut [MaybeUninit<Self>], vector: Self::Vector<S>);
    /// a·b + c, rounded once where the processor does so.
    fn fma<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    fn subtract<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a > b.
    fn above<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// a ≤ b; a NaN is at most nothing.
    fn at_most<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// a = b; a NaN equals nothing.
    fn equal<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;
    /// The first where the mask is true, else the second.
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// A place as a value near 1: its lowest byte is the place.
    fn from_place(place: u8) -> Self;
    /// The inverse of [`Vectors::from_place`].
    fn to_place(self) -> u8;
    /// The same values, where they are f32.
    fn as_f32(values: &[Self]) -> Option<&[f32]>;
    /// [`Vectors::as_f32`], of places that may have no values yet.
    fn places_as_f32(places: &mut [MaybeUninit<Self>]) -> Option<&mut [MaybeUninit<f32>]>;
}

macro_rules! vectors {
    ($float:ty, $as_f32:expr, $bits:ident, $lanes:ident, $vector:ident, $mask:ident, [
        $splat:ident, $as_simd:ident, $as_mut_simd:ident, $as_uninit_mut_simd:ident, $partial_load:ident, $partial_store:ident,
        $mask_between:ident, $mask_store_ptr:ident,
        $fma:ident, $add:ident, $sub:ident, $above:ident, $at_most:ident, $equal:ident, $select:ident $(,)?
    ]) => {
        impl Vectors for $float {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;

            #[inline(always)]
            fn lanes<S: Simd>() -> usize {
                S::$lanes
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>] {
                S::$as_simd(values).0
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, values: &[Self]) -> Self::Vector<S> {
                match S::$as_simd(values).0 {
                    [vector, ..] => *vector,
                    [] => simd.$partial_load(values),
                }
            }
            #[inline(always)]
            fn store<S: Simd>(simd: S, target: &mut [Self], vector: Self::Vector<S>) {
                if target.len() < S::$lanes {
                    simd.$partial_store(target, vector);
                } else if let [place, ..] = S::$as_mut_simd(target).0 {
                    *place = vector;
                }
            }
            #[inline(always)]
            fn write<S: Simd>(simd: S, target: &mut [MaybeUninit<Self>], vector: Self::Vector<S>) {
                if target.len() < S::$lanes {
                    let mask = simd.$mask_between(0, target.len() as $bits);
                    // SAFETY: the mask has as many lanes as the slice has places.
                    #[expect(
                        unsafe_code,
                        reason = "no safe function writes a part of a vector to new memory"
                    )]
                    unsafe {
                        simd.$mask_store_ptr(mask, target.as_mut_ptr().cast(), vector);
                    }
                } else if let [place, ..] = S::$as_uninit_mut_simd(target).0 {
                    place.write(vector);
                }
            }
            #[inline(always)]
            fn fma<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
                c: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$fma(a, b, c)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn subtract<S: Simd>(
                simd: S,
                a: Self::Vector<S>,
                b: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn above<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S> {
                simd.$above(a, b)
            }
            #[inline(always)]
            fn at_most<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S> {
                simd.$at_most(a, b)
            }
            #[inline(always)]
            fn equal<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S> {
                simd.$equal(a, b)
            }
            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: Self::Mask<S>,
                yes: Self::Vector<S>,
                no: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$select(mask, yes, no)
            }
            #[inline(always)]
            fn from_place(place: u8) -> Self {
                <$float>::from_bits(<$float>::to_bits(1.0) | $bits::from(place))
            }
            #[inline(always)]
            fn to_place(self) -> u8 {
                self.to_bits() as u8
            }
            fn as_f32(values: &[Self]) -> Option<&[f32]> {
                ($as_f32)(values)
            }
            fn places_as_f32(places: &mut [MaybeUninit<Self>]) -> Option<&mut [MaybeUninit<f32>]> {
                ($as_f32)(places)
            }
        }
    };
}

vectors!(
    f32,
    Some,
    u32,
    F32_LANES,
    f32s,
    m32s,
    [
        splat_f32s,
        as_simd_f32s,
        as_mut_simd_f32s,
        as_uninit_mut_simd_f32s,
        partial_load_f32s,
        partial_store_f32s,
        mask_between_m32s,
        mask_store_ptr_f32s,
        mul_add_e_f32s,
        add_f32s,
        sub_f32s,
        greater_than_f32s,
        less_than_or_equal_f32s,
        equal_f32s,
        select_f32s,
    ]
);
vectors!(
    f64,
    |_| None,
    u64,
    F64_LANES,
    f64s,
    m64s,
    [
        splat_f64s,
        as_simd_f64s,
        as_mut_simd_f64s,
        as_uninit_mut_simd_f64s,
        partial_load_f64s,
        partial_store_f64s,
        mask_between_m64s,
        mask_store_ptr_f64s,
        mul_add_e_f64s,
        add_f64s,
        sub_f64s,
        greater_than_f64s,
        less_than_or_equal_f64s,
        equal_f64s,
        select_f64s,
    ]
);

/// Positions of a pooling window.
pub(crate) const WINDOW: usize = 4;

/// The largest of four values and the first place (0 to 3) that has it, lane by lane; NaN is the
/// largest of all, as in PyTorch.
#[inline(always)]
pub(crate) fn first_maximum<T: Vectors, S: Simd>(
    simd: S,
    values: [T::Vector<S>; WINDOW],
) -> (T::Vector<S>, T::Vector<S>) {
    let mut largest = values[0];
    let mut places = T::splat(simd, T::from_place(0));
    for place in 1..WINDOW {
        let value = values[place];
        let here = T::splat(simd, T::from_place(place as u8));
        let (larger, number) = (T::above(simd, value, largest), T::equal(simd, value, value));
        largest = T::select(simd, number, T::select(simd, larger, value, largest), value);
        places = T::select(simd, number, T::select(simd, larger, here, places), here);
    }
    (largest, places)
}

/// The gradient of what ReLU made `value` of: it cuts what is at most zero, and a NaN is not.
#[inline(always)]
pub(crate) fn unless_cut<T: Vectors, S: Simd>(
    simd: S,
    value: T::Vector<S>,
    gradient: T::Vector<S>,
) -> T::Vector<S> {
    let zero = T::splat(simd, T::default());
    T::select(simd, T::at_most(simd, value, zero), zero, gradient)
}

/// As many values as the widest vector has.
const WIDEST: usize = 16;

/// Writes places as bytes, as many as `target` has room for.
#[inline(always)]
pub(crate) fn write_places<T: Vectors, S: Simd>(
    simd: S,
    target: &mut [MaybeUninit<u8>],
    places: T::Vector<S>,
) {
    let lanes = T::lanes::<S>();
    let mut values = [T::default(); WIDEST];
    T::store(simd, &mut values, places);
    let mut bytes = [0; WIDEST];
    for lane in 0..lanes {
        bytes[lane] = values[lane].to_place();
    }
    if target.len() >= lanes {
        target[..lanes].write_copy_of_slice(&bytes[..lanes]);
    } else {
        target.write_copy_of_slice(&bytes[..target.len()]);
    }
}

/// The first bytes of a slice as places; place 0 where it ends.
#[inline(always)]
pub(crate) fn load_places<T: Vectors, S: Simd>(simd: S, places: &[u8]) -> T::Vector<S> {
    let lanes = T::lanes::<S>();
    let mut bytes = [0; WIDEST];
    if places.len() >= lanes {
        bytes[..lanes].copy_from_slice(&places[..lanes]);
    } else {
        bytes[..places.len()].copy_from_slice(places);
    }
    let mut values = [T::default(); WIDEST];
    for lane in 0..lanes {
        values[lane] = T::from_place(bytes[lane]);
    }
    T::load(simd, &values)
}
