//! PyTorch's CPU generator, as far as random permutations need it.

use rand_mt::Mt;

/// PyTorch's CPU generator: draws what `torch.randperm` draws after `torch.manual_seed`.
///
/// ```
/// use pairnet_data::TorchGenerator;
///
/// let mut generator = TorchGenerator::new(0); // torch.manual_seed(0)
/// assert_eq!(generator.randperm(5), [4, 0, 1, 3, 2]); // torch.randperm(5)
/// assert_eq!(generator.randperm_start(60_000, 2), [28_963, 9_795]); // torch.randperm(60000)[:2]
/// ```
///
/// It is MT19937 (Matsumoto and Nishimura, Mersenne Twister, 1998), its state filled from the seed
/// by their `init_genrand`. Permutations are those of `torch.randperm(n)` on the CPU, for n below
/// 214,748,364: longer ones PyTorch shuffles in another way (`randperm_cpu` in its
/// `TensorFactories.cpp`), and so do CUDA devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TorchGenerator {
    engine: Mt,
}

impl TorchGenerator {
    /// As `torch.manual_seed(seed)` leaves it.
    ///
    /// PyTorch takes seeds of 64 bits, of which its engine uses the low 32: seeds that agree there
    /// give the same stream.
    pub fn new(seed: u64) -> Self {
        Self { engine: Mt::new(seed as u32) }
    }

    /// `torch.randperm(n)`: 0..n in random order.
    pub fn randperm(&mut self, n: u32) -> Vec<u32> {
        self.randperm_start(n, n as usize)
    }

    /// `torch.randperm(n)[:count]`: the first `count` places of a random permutation of 0..n; all
    /// of them where there are no more.
    ///
    /// The generator goes on from where the whole permutation leaves it, so that what is drawn next
    /// does not depend on `count`.
    pub fn randperm_start(&mut self, n: u32, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n).collect();
        // The last place has no choice, and takes nothing from the generator.
        for place in 0..n.saturating_sub(1) {
            let random = self.engine.next_u32();
            if (place as usize) < count {
                let other = place + random % (n - place);
                order.swap(place as usize, other as usize);
            }
        }
        order.truncate(count);
        order
    }
}
