//! The system's allocator, told that training allocates and frees the same sizes at every step.

use std::sync::Once;

/// Lets glibc keep up to 64 MiB of freed memory instead of giving it back at each step, to be faulted in
/// again page by page at the next.
///
/// glibc learns how much to keep from the largest block that was mapped by itself and freed, up to 32 MiB
/// (`M_MMAP_THRESHOLD` in mallopt(3)): it is shown such a block, which nobody writes to. Other
/// allocators take it for what it is, a block that comes and goes.
pub(crate) fn keep_freed() {
    const BYTES: usize = (32 << 20) - (64 << 10);
    static SHOWN: Once = Once::new();
    SHOWN.call_once(|| {
        let mut block = Vec::<u8>::new();
        // Where there is no such block, there is nothing to learn.
        if block.try_reserve_exact(BYTES).is_ok() {
            std::hint::black_box(&mut block);
        }
    });
}
