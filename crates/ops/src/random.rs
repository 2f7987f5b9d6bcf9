//! Dropout masks and initial weights from a generator that the caller seeds.
//!
//! candle's CPU generator cannot be seeded. Here every value is a few documented bits of the caller's
//! generator: one whose output is fixed by specification, such as `rand_chacha::ChaCha8Rng`, gives the
//! same masks and uniform weights with every version and on every machine.

use std::f64::consts::TAU;

use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::init::FanInOut;
use rand_core::RngCore;

/// A mask for [`crate::dropout()`]: U8, 1 where a value is kept, which is so with 1 − `probability`, to
/// within 1/65,536.
///
/// Each `next_u32` of the generator is two values, its low 16 bits the first: 0 where they are below
/// `probability` · 2¹⁶, rounded.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pairnet_ops::{dropout, random::dropout_mask};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// # fn main() -> candle_core::Result<()> {
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let values = Tensor::ones((2, 3), candle_core::DType::F32, &Device::Cpu)?;
/// let mask = dropout_mask(values.shape(), 0.5, &Device::Cpu, &mut rng)?;
/// let dropped = dropout(&values, &mask, 0.5)?;
/// assert!(dropped.flatten_all()?.to_vec1::<f32>()?.iter().all(|&value| value == 0.0 || value == 2.0));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where `probability` is not in \[0, 1), or the device has no memory left.
pub fn dropout_mask(
    shape: impl Into<Shape>,
    probability: f64,
    device: &Device,
    rng: &mut impl RngCore,
) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout_mask: probability {probability} is not in [0, 1)");
    }
    let shape = shape.into();
    let threshold = (probability * 2f64.powi(16)).round() as u32;
    let mut mask = vec![0u8; shape.elem_count()];
    for pair in mask.chunks_mut(2) {
        let word = rng.next_u32();
        for (kept, bits) in pair.iter_mut().zip([word & 0xffff, word >> 16]) {
            *kept = u8::from(bits >= threshold);
        }
    }
    Tensor::from_vec(mask, shape, device)
}

/// Values from U(−`bound`, `bound`): each is the upper 24 bits of a `next_u32`, as many as an f32 holds.
///
/// ```
/// use candle_core::{DType, Device};
/// use pairnet_ops::random::uniform;
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// # fn main() -> candle_core::Result<()> {
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let bias = uniform(16, 1.0 / 9f64.sqrt(), DType::F32, &Device::Cpu, &mut rng)?;
/// assert!(bias.abs()?.max(0)?.to_scalar::<f32>()? <= 1.0 / 3.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where `bound` is negative or not finite, `dtype` is no float, or the device has no memory left.
pub fn uniform(
    shape: impl Into<Shape>,
    bound: f64,
    dtype: DType,
    device: &Device,
    rng: &mut impl RngCore,
) -> Result<Tensor> {
    if !(bound.is_finite() && bound >= 0.0) {
        bail!("uniform: bound {bound} is not a finite number of 0 or more");
    }
    let shape = shape.into();
    let values = (0..shape.elem_count()).map(|_| (2.0 * unit(rng) - 1.0) * bound).collect();
    tensor("uniform", values, shape, dtype, device)
}

/// The weight of a linear layer (outputs, inputs) or convolution (outputs, channels, …) as PyTorch starts
/// it: U(−1/√fan-in, 1/√fan-in), where the fan-in is the product of all dimensions but the first.
///
/// That is `kaiming_uniform_` with a = √5, which
/// [`torch.nn.Linear`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html) and
/// [`torch.nn.Conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html) take. Their
/// biases are [`uniform`] within the bound of their weight, [`fan_in_bound`].
///
/// ```
/// use candle_core::{DType, Device};
/// use pairnet_ops::random::{fan_in_bound, kaiming_uniform, uniform};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// # fn main() -> candle_core::Result<()> {
/// let (mut rng, device) = (ChaCha8Rng::seed_from_u64(0), Device::Cpu);
/// let weight = kaiming_uniform((16, 1, 3, 3), DType::F32, &device, &mut rng)?;
/// let bias = uniform(16, fan_in_bound(weight.shape()), DType::F32, &device, &mut rng)?;
/// assert_eq!(fan_in_bound(weight.shape()), 1.0 / 3.0);
/// assert_eq!(bias.dims(), [16]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where `dtype` is no float, or the device has no memory left.
pub fn kaiming_uniform(
    shape: impl Into<Shape>,
    dtype: DType,
    device: &Device,
    rng: &mut impl RngCore,
) -> Result<Tensor> {
    let shape = shape.into();
    let bound = fan_in_bound(&shape);
    uniform(shape, bound, dtype, device, rng)
}

/// 1/√fan-in of a weight of that shape; 0 where nothing goes in.
pub fn fan_in_bound(weight: &Shape) -> f64 {
    match FanInOut::FanIn.for_shape(weight) {
        0 => 0.0,
        fan_in => 1.0 / (fan_in as f64).sqrt(),
    }
}

/// A weight as candle-nn's linear layers and convolutions start it
/// ([`candle_nn::init::DEFAULT_KAIMING_NORMAL`]): N(0, 2/fan-in) (He et al., 2015).
///
/// Two values are made of two `next_u32`, whose upper 24 bits are taken (Box and Muller, 1958). Sine,
/// cosine and logarithm are the machine's, and may differ in the last digit from one kind to another.
///
/// ```
/// use candle_core::{DType, Device};
/// use pairnet_ops::random::kaiming_normal;
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// # fn main() -> candle_core::Result<()> {
/// let mut rng = ChaCha8Rng::seed_from_u64(0);
/// let weight = kaiming_normal((100, 200), DType::F32, &Device::Cpu, &mut rng)?;
/// let variance = weight.sqr()?.mean_all()?.to_scalar::<f32>()?;
/// assert!((variance - 0.01).abs() < 0.001);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where `dtype` is no float, or the device has no memory left.
pub fn kaiming_normal(
    shape: impl Into<Shape>,
    dtype: DType,
    device: &Device,
    rng: &mut impl RngCore,
) -> Result<Tensor> {
    let shape = shape.into();
    let deviation = 2f64.sqrt() * fan_in_bound(&shape);
    let mut values = vec![0.0; shape.elem_count()];
    for pair in values.chunks_mut(2) {
        // Above 0, for its logarithm.
        let radius = (-2.0 * (unit(rng) + 2f64.powi(-24)).ln()).sqrt();
        let (sine, cosine) = (TAU * unit(rng)).sin_cos();
        for (value, part) in pair.iter_mut().zip([cosine, sine]) {
            *value = deviation * radius * part;
        }
    }
    tensor("kaiming_normal", values, shape, dtype, device)
}

/// A number in [0, 1).
fn unit(rng: &mut impl RngCore) -> f64 {
    f64::from(rng.next_u32() >> 8) / 2f64.powi(24)
}

fn tensor(
    what: &str,
    values: Vec<f64>,
    shape: Shape,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    if !dtype.is_float() {
        bail!("{what}: dtype {dtype:?} is no float");
    }
    Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}
