//! Gradients whose norm is bounded.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var, bail};

/// Makes the gradients of `variables` shorter where all of them together are longer than `largest`, and
/// says how long they were.
///
/// With n the root of the sum of all squared values, each gradient is multiplied by
/// largest / (n + 1e-6) where that is below 1, as
/// [`torch.nn.utils.clip_grad_norm_`](https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html)
/// does (Pascanu et al., 2013, algorithm 1). Squares add up in f64. Where n is not finite all gradients
/// stay as they are, for the next loss to tell.
///
/// ```
/// use candle_core::{Device, Var};
/// use pairnet_ops::clip_gradient_norm;
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Var::new(&[3f32, 4.0], &Device::Cpu)?;
/// let mut gradients = (weight.sqr()?.sum_all()? / 2.0)?.backward()?;
/// let norm = clip_gradient_norm(&mut gradients, [&weight], 1.0)?;
/// assert_eq!(norm, 5.0);
/// let clipped = gradients.get(&weight).unwrap().to_vec1::<f32>()?;
/// assert!((clipped[0] - 0.6).abs() < 1e-6 && (clipped[1] - 0.8).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
///
/// A variable without a gradient has no part in it.
///
/// # Errors
///
/// Where `largest` is not a finite number above 0, or the device has no memory left.
pub fn clip_gradient_norm<'a>(
    gradients: &mut GradStore,
    variables: impl IntoIterator<Item = &'a Var>,
    largest: f64,
) -> Result<f64> {
    if !(largest.is_finite() && largest > 0.0) {
        bail!("clip_gradient_norm: the largest norm is {largest}, it is a finite number above 0");
    }
    let mut found: Vec<(&Var, Tensor)> = Vec::new();
    for variable in variables {
        let known = found.iter().any(|(other, _)| other.id() == variable.id());
        if let Some(gradient) = gradients.get(variable).filter(|_| !known) {
            found.push((variable, gradient.clone()));
        }
    }
    let squares = found
        .iter()
        .map(|(_, gradient)| gradient.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar::<f64>())
        .sum::<Result<f64>>()?;
    let norm = squares.sqrt();
    let factor = largest / (norm + 1e-6);
    if factor < 1.0 && norm.is_finite() {
        for (variable, gradient) in found {
            gradients.insert(variable, (gradient * factor)?);
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn gradients(values: &[f32]) -> Result<(Var, GradStore)> {
        let weight = Var::new(values, &Device::Cpu)?;
        let gradients = (weight.sqr()?.sum_all()? / 2.0)?.backward()?;
        Ok((weight, gradients))
    }

    #[test]
    fn gradients_that_are_short_enough_stay_as_they_are() -> Result<()> {
        let (weight, mut gradients) = gradients(&[3.0, 4.0])?;
        let none = Var::new(1f32, &Device::Cpu)?;
        assert_eq!(clip_gradient_norm(&mut gradients, [&weight, &none, &weight], 5.1)?, 5.0);
        assert_eq!(gradients.get(&weight).map(Tensor::to_vec1).transpose()?, Some(vec![3f32, 4.0]));
        assert!(gradients.get(&none).is_none());
        Ok(())
    }

    #[test]
    fn a_variable_that_is_given_twice_counts_once() -> Result<()> {
        let (weight, mut gradients) = gradients(&[3.0, 4.0])?;
        assert_eq!(clip_gradient_norm(&mut gradients, [&weight, &weight], 2.5)?, 5.0);
        let clipped =
            gradients.get(&weight).map(Tensor::to_vec1::<f32>).transpose()?.unwrap_or_default();
        assert!((clipped[0] - 1.5).abs() < 1e-6 && (clipped[1] - 2.0).abs() < 1e-6, "{clipped:?}");
        Ok(())
    }

    #[test]
    fn gradients_that_are_not_finite_are_told_and_left() -> Result<()> {
        let (weight, mut gradients) = gradients(&[f32::INFINITY, 4.0])?;
        assert_eq!(clip_gradient_norm(&mut gradients, [&weight], 1.0)?, f64::INFINITY);
        let left = gradients.get(&weight).map(Tensor::to_vec1).transpose()?;
        assert_eq!(left, Some(vec![f32::INFINITY, 4.0]));
        Ok(())
    }

    #[test]
    fn a_largest_norm_that_is_none_is_an_error() -> Result<()> {
        let (weight, mut gradients) = gradients(&[3.0])?;
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = clip_gradient_norm(&mut gradients, [&weight], largest).unwrap_err();
            assert!(error.to_string().contains("clip_gradient_norm"), "{error}");
        }
        Ok(())
    }
}
