//! What a convolution takes beside its result and its gradients, which is bounded however large an image
//! is. An allocator counts; so there is one test, and one thread works.

mod support;

use candle_core::{DType, Tensor, Var};
use pairnet_ops::channels_last::{conv2d_nhwc, conv2d_relu_max_pool_nhwc};
use pairnet_ops::{Conv2dConfig, Tape};
use peak_alloc::PeakAlloc;
use support::{composed, device, variable};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What `work` returns, and the bytes that it held at most, beside those that are left.
fn beside<R>(work: impl FnOnce() -> R) -> (R, usize) {
    ALLOCATOR.reset_peak_usage();
    let result = work();
    (result, ALLOCATOR.peak_usage() - ALLOCATOR.current_usage())
}

#[test]
fn a_convolution_takes_no_more_for_larger_images() {
    if composed() || !device().is_cpu() {
        return;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    // The first op of all shows the allocator a block that nobody writes to.
    pairnet_ops::relu(&Tensor::ones(1, DType::F32, device()).unwrap()).unwrap();
    for (name, pooled, channels, outputs, of_images) in [
        ("dense", false, 64, 64, true),
        ("pooled", true, 64, 64, true),
        ("short patches", false, 1, 16, false),
    ] {
        for side in [112, 224] {
            let images = variable(&[1, side, side, channels], DType::F32, 1);
            let weight = variable(&[outputs, channels, 3, 3], DType::F32, 2);
            let images = if of_images { images.as_tensor().clone() } else { images.detach() };
            let (forward, backward) = pool.install(|| measured(&images, &weight, pooled));
            assert!(forward < 2 << 20, "{name}, {side}×{side}: {forward} bytes forward");
            assert!(backward < 5 << 20, "{name}, {side}×{side}: {backward} bytes backward");
        }
    }
}

/// Bytes beside result and gradients.
fn measured(images: &Tensor, weight: &Var, pooled: bool) -> (usize, usize) {
    let config = Conv2dConfig { padding: 1, ..Default::default() };
    let convolve = || match pooled {
        true => conv2d_relu_max_pool_nhwc(images, weight, None, config),
        false => conv2d_nhwc(images, weight, None, config),
    };
    let ((result, tape), forward) = beside(|| Tape::record(convolve).unwrap());
    let given = Tensor::ones(result.shape(), DType::F32, device()).unwrap();
    let (gradients, backward) = beside(|| tape.backward(&result, &given).unwrap());
    assert!(gradients.get(weight).is_some());
    (forward, backward)
}
