//! Forward, and forward with backward, of the ops at the sizes of the networks, on one thread.
//!
//! ```text
//! CANDLE_NUM_THREADS=1 MIMALLOC_PURGE_DELAY=-1 cargo bench --package pairnet-ops
//! ```

use candle_core::{Device, Result, Tensor, Var};
use divan::Bencher;
use pairnet_ops::channels_last::{self, NormalisedConvolution};
use pairnet_ops::{Conv2dConfig, batch_norm, linear_relu, reference};

/// As the program that trains: the system's allocator would give freed pages back at every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // The kernels take the threads of the pool they are in: one, as in a sweep.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    pool.unwrap_or_else(|error| panic!("{error}"));
    divan::main();
}

/// Values around zero, so that ReLU drops half.
fn variable(shape: &[usize]) -> Var {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|index| (index as f32 * 0.7).sin()).collect();
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu);
    tensor.and_then(|tensor| Var::from_tensor(&tensor)).unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Clone, Copy, Debug)]
enum Layer {
    First,
    Second,
    Third,
}

const LAYERS: [Layer; 3] = [Layer::First, Layer::Second, Layer::Third];

/// Images (n, height, width, channels), weight and bias of LeNet-5's convolutions on 400 digits; the
/// first layer's images are no result of anything, and have no gradient.
fn convolution(layer: Layer) -> (Tensor, Var, Var) {
    let (side, channels, outputs, kernel) = match layer {
        Layer::First => (14, 1, 16, 3),
        Layer::Second => (6, 16, 32, 3),
        Layer::Third => (2, 32, 120, 2),
    };
    let images = variable(&[400, side, side, channels]);
    let images = match layer {
        Layer::First => images.detach(),
        Layer::Second | Layer::Third => images.into_inner(),
    };
    (images, variable(&[outputs, channels, kernel, kernel]), variable(&[outputs]))
}

fn bench(bencher: Bencher<'_, '_>, backward: bool, compute: impl Fn() -> Result<Tensor>) {
    bencher.bench_local(|| -> Result<()> {
        let result = compute()?;
        if backward {
            divan::black_box(result.sum_all()?.backward()?);
        }
        Ok(())
    });
}

#[divan::bench(args = LAYERS, consts = [false, true])]
fn conv2d_relu_max_pool<const BACKWARD: bool>(bencher: Bencher<'_, '_>, layer: Layer) {
    let (images, weight, bias) = convolution(layer);
    let pooled = !matches!(layer, Layer::Third);
    bench(bencher, BACKWARD, || {
        if pooled {
            channels_last::conv2d_relu_max_pool_nhwc(
                &images,
                &weight,
                Some(bias.as_tensor()),
                Conv2dConfig::default(),
            )
        } else {
            channels_last::conv2d_relu_nhwc(
                &images,
                &weight,
                Some(bias.as_tensor()),
                Conv2dConfig::default(),
            )
        }
    });
}

#[divan::bench(args = LAYERS, consts = [false, true])]
fn conv2d_relu_batch_norm<const BACKWARD: bool>(bencher: Bencher<'_, '_>, layer: Layer) {
    let (images, weight, bias) = convolution(layer);
    let layer = NormalisedConvolution {
        weight: &weight,
        bias: Some(bias.as_tensor()),
        gamma: &bias,
        beta: &bias,
        config: Conv2dConfig::default(),
        epsilon: 1e-5,
        max_pool: !matches!(layer, Layer::Third),
    };
    bench(bencher, BACKWARD, || Ok(channels_last::conv2d_relu_batch_norm_nhwc(&images, &layer)?.0));
}

#[divan::bench(args = LAYERS, consts = [false, true], sample_count = 10)]
fn stock_conv2d_relu_max_pool<const BACKWARD: bool>(bencher: Bencher<'_, '_>, layer: Layer) {
    let (images, weight, bias) = convolution(layer);
    let images = images.permute((0, 3, 1, 2)).and_then(|images| images.contiguous());
    let images = images.unwrap_or_else(|error| panic!("{error}"));
    let pooled = !matches!(layer, Layer::Third);
    bench(bencher, BACKWARD, || {
        let result =
            reference::conv2d(&images, &weight, Some(bias.as_tensor()), Conv2dConfig::default())?
                .relu()?;
        if pooled { result.max_pool2d(2) } else { Ok(result) }
    });
}

#[divan::bench(args = [(200, 392, 200), (400, 196, 200), (400, 200, 84)], consts = [false, true])]
fn linear_and_batch_norm<const BACKWARD: bool>(
    bencher: Bencher<'_, '_>,
    (rows, inputs, outputs): (usize, usize, usize),
) {
    let (input, weight, bias) =
        (variable(&[rows, inputs]), variable(&[outputs, inputs]), variable(&[outputs]));
    bench(bencher, BACKWARD, || {
        let hidden = linear_relu(&input, &weight, Some(bias.as_tensor()))?;
        Ok(batch_norm(&hidden, &bias, &bias, 1e-5)?.0)
    });
}
