//! Convolution, ReLU, batch norm and max pooling with nothing in between but the activations.

use crate::element::Element;
use crate::kernels::batch_norm::{self, InputGradient, Normaliser};
use crate::kernels::convolution::{self, Geometry, Then};
use crate::kernels::moments::Moments;
use crate::kernels::through_relu::ThroughRelu;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;

mod gradient;
mod pooling;

use self::gradient::NormalisedGradient;
use self::pooling::{Lines, NormaliseAndPool};

/// Which of ReLU and batch norm comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    ReluBatchNorm,
    BatchNormRelu,
    /// There is no ReLU.
    BatchNorm,
}

impl Order {
    /// What follows the convolution before batch norm.
    pub(crate) fn before(self) -> Then {
        match self {
            Order::ReluBatchNorm => Then::Relu,
            Order::BatchNormRelu | Order::BatchNorm => Then::Nothing,
        }
    }
}

/// What is trained beside the convolution, and how the batch is normalised.
pub(crate) struct Settings<'a, T> {
    pub(crate) gamma: &'a [T],
    pub(crate) beta: &'a [T],
    pub(crate) epsilon: f64,
    /// Mean and variance to normalise with instead of the batch's own.
    pub(crate) frozen: Option<(&'a [T], &'a [T])>,
    /// Whether the maximum of each 2×2 window follows.
    pub(crate) max_pool: bool,
    pub(crate) order: Order,
}

/// What the forward pass computes.
pub(crate) struct Normalised<T> {
    /// (images, height, width, outputs).
    pub(crate) result: Vec<T>,
    /// Mean and biased variance of each channel.
    pub(crate) moments: (Vec<T>, Vec<T>),
    pub(crate) normaliser: Normaliser<T>,
    /// What was normalised: the convolution's result, after ReLU where that comes first.
    pub(crate) activations: Vec<T>,
    /// Where pooled, the place of each window's first maximum and the activation there.
    pub(crate) places: Vec<u8>,
    pub(crate) maxima: Vec<T>,
}

/// `trained` are weights, [arranged](super::convolution::arranged_weights), and bias.
pub(crate) fn forward<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> Normalised<T> {
    let (activations, moments) = activate(images, trained, settings, g);
    let normaliser = Normaliser::new(&moments.0, &moments.1, settings.epsilon);
    let (gamma, beta) = (settings.gamma, settings.beta);
    let (mut result, places, maxima) = if settings.max_pool {
        let slopes = &batch_norm::slopes(gamma, &normaliser);
        normalise_and_pool(
            &activations,
            &Lines { means: &normaliser.mean, slopes, shifts: beta },
            g,
        )
    } else {
        let rectified = settings.order == Order::BatchNormRelu;
        let result = batch_norm::forward(&activations, (gamma, beta), &normaliser, rectified);
        (result, Vec::new(), Vec::new())
    };
    if settings.max_pool && settings.order == Order::BatchNormRelu {
        // The largest of a window, rectified, is the largest of what is rectified.
        batch_norm::rectify(&mut result, gamma.len());
    }
    Normalised { result, moments, normaliser, activations, places, maxima }
}

/// The convolution's result, after ReLU where that comes first, and what to normalise it with.
fn activate<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> (Vec<T>, (Vec<T>, Vec<T>)) {
    if let Some((mean, variance)) = settings.frozen {
        let (activations, _) = convolution::forward(images, trained, g, settings.order.before());
        return (activations, (mean.to_vec(), variance.to_vec()));
    }
    let look = |activations: &[T]| Moments::of(activations, g.outputs);
    let (activations, _, parts) =
        convolution::forward_and(images, trained, g, settings.order.before(), look);
    (activations, Moments::merged(parts))
}

/// The maxima of the normalised windows, the place of each in its window, and the activation there.
fn normalise_and_pool<T: Element>(
    activations: &[T],
    lines: &Lines<'_, T>,
    g: &Geometry,
) -> (Vec<T>, Vec<u8>, Vec<T>) {
    let (height, width) = g.convolved();
    let line = width * g.outputs;
    let image = height * line;
    let pooled = height / 2 * (width / 2) * g.outputs;
    assert_eq!(activations.len() % image, 0, "values of whole images");
    let columns = [lines.means.len(), lines.slopes.len(), lines.shifts.len()];
    assert_eq!(columns, [g.outputs; 3], "means, slopes and shifts of batch norm");
    let count = activations.len() / image * pooled;
    let (mut result, mut places) = (unwritten(count), unwritten(count));
    let mut maxima = unwritten(count);
    let chunk = g.chunk(activations.len() / image);
    let length = chunk * pooled;
    let all = activations
        .chunks(chunk * image)
        .zip(result.chunks_mut(length))
        .zip(places.chunks_mut(length).zip(maxima.chunks_mut(length)));
    parts::for_each(all, |((activations, result), (places, maxima))| {
        let own = activations.len() / image * pooled;
        assert_eq!([result.len(), places.len(), maxima.len()], [own; 3], "windows of a chunk");
        let saved = NormaliseAndPool { activations, lines, image, line, result, places, maxima };
        dispatch(saved);
    });
    // SAFETY: every chunk was written: all outputs of all windows of as many images.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let (result, places, maxima) =
        unsafe { (result.assume_init(), places.assume_init(), maxima.assume_init()) };
    (result.into_vec(), places.into_vec(), maxima.into_vec())
}

/// What the forward pass took and gave, for the backward pass.
pub(crate) struct Saved<'a, T> {
    pub(crate) images: &'a [T],
    /// [Arranged](super::convolution::arranged_weights).
    pub(crate) weights: &'a [T],
    pub(crate) normaliser: &'a Normaliser<T>,
    pub(crate) activations: &'a [T],
    pub(crate) places: &'a [u8],
    pub(crate) maxima: &'a [T],
    pub(crate) result: &'a [T],
}

/// The gradients of the convolution, and of γ and β.
pub(crate) struct Gradients<T> {
    pub(crate) convolution: convolution::Gradients<T>,
    pub(crate) gamma: Vec<T>,
    pub(crate) beta: Vec<T>,
}

/// The gradients, given that of the result.
pub(crate) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    settings: &Settings<'_, T>,
    result_gradient: &[T],
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let Saved { images, weights, normaliser, activations, places, maxima, result } = *saved;
    let rectified = (settings.order == Order::BatchNormRelu).then_some(result);
    let result_gradient = ThroughRelu { rectified, gradient: result_gradient };
    // Where pooled, only the maxima have a gradient.
    let values = if settings.max_pool { maxima } else { activations };
    let sums = batch_norm::gradient_sums(values, normaliser, result_gradient);
    let layer = (settings.gamma, normaliser, settings.frozen.is_some());
    let source = NormalisedGradient {
        activations,
        places,
        gradient: InputGradient::new(layer, &sums, activations.len()),
        result_gradient,
        line: g.convolved().1 * g.outputs,
        windows: g.result(Then::ReluMaxPool),
        outputs: g.outputs,
        order: settings.order,
    };
    let then = settings.order.before();
    let saved = convolution::Saved { images, weights, result: activations, places: &[], then };
    let convolution = convolution::backward(&saved, &source, g, of_images);
    let (gamma, beta) = sums;
    Gradients { convolution, gamma, beta }
}
