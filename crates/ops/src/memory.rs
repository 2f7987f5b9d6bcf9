//! The system's memory, told that training allocates and frees the same sizes at every step.

use std::mem::MaybeUninit;
use std::sync::Once;

/// Lets glibc keep freed memory instead of giving it back at each step, to be faulted in again page by page at
/// the next.
///
/// glibc learns how much to keep at the end of a heap from the largest block that was mapped by itself and freed, up to
/// 32 MiB (`M_MMAP_THRESHOLD` in mallopt(3)): it is shown such a block, which nobody writes to. Other
/// allocators take it for what it is, a block that comes and goes. Threads other than the first have heaps of 64 MiB,
/// of which glibc unmaps one that nothing lies in, unless it is told to keep as much as that to spare (`M_TOP_PAD`).
pub(crate) fn keep_freed() {
    const BYTES: usize = (32 << 20) - (64 << 10);
    static SHOWN: Once = Once::new();
    SHOWN.call_once(|| {
        let mut block = Vec::<u8>::new();
        // Where there is no such block, there is nothing to learn.
        if block.try_reserve_exact(BYTES).is_ok() {
            std::hint::black_box(&mut block);
        }
        drop(block);
        keep_heaps();
    });
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
fn keep_heaps() {}

#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
fn keep_heaps() {
    const HEAP: libc::c_int = 64 << 20;
    if std::env::var_os("MALLOC_TOP_PAD_").is_none() {
        // SAFETY: it takes two numbers, and glibc's lock while it sets one of its own.
        #[expect(unsafe_code, reason = "no safe function tells glibc")]
        unsafe {
            libc::mallopt(libc::M_TOP_PAD, HEAP);
        }
    }
}

/// Places for so many values, which are to be written before they are read.
///
/// A large block may come anew at each step, to be faulted in page by page. On Linux it is asked for in pages of
/// 2 MiB, which the kernel gives where it is set up to when asked (`madvise(2)`, `MADV_HUGEPAGE`).
pub(crate) fn unwritten<T>(count: usize) -> Box<[MaybeUninit<T>]> {
    const LARGE: usize = 4 << 20;
    let mut places = Box::new_uninit_slice(count);
    if size_of_val(&*places) >= LARGE {
        ask_for_huge_pages(&mut places);
    }
    places
}

/// Places that become zeros, for values to be added to, by the thread that adds them.
///
/// A large block that is zero from the beginning shares one page of zeros with all others until it is written to. What
/// reads it first, as an addition does, has each page faulted in twice, and the second time all processors have to be
/// told (`do_wp_page` and `flush_tlb_mm_range` in a profile): that took half of a training step on two threads.
pub(crate) fn zeroed<T: Copy + Default>(places: &mut [MaybeUninit<T>]) -> &mut [T] {
    places.fill(MaybeUninit::new(T::default()));
    // SAFETY: each place has just been written.
    #[expect(unsafe_code, reason = "the places have values now")]
    unsafe {
        places.assume_init_mut()
    }
}

/// Values as places to write to, for functions that also write to new memory. They write values to these places, and
/// nothing that is not initialised.
pub(crate) fn places<T>(values: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: the layouts are the same, and what gets the places writes values alone.
    #[expect(unsafe_code, reason = "a slice of values is one of places that hold some")]
    unsafe {
        &mut *(std::ptr::from_mut(values) as *mut [MaybeUninit<T>])
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask_for_huge_pages<T>(_: &mut [MaybeUninit<T>]) {}

#[cfg(all(target_os = "linux", not(miri)))]
fn ask_for_huge_pages<T>(places: &mut [MaybeUninit<T>]) {
    const PAGE: usize = 2 << 20;
    let (start, length) = (places.as_mut_ptr(), size_of_val(places));
    let before = start.addr().next_multiple_of(PAGE) - start.addr();
    let whole = length.saturating_sub(before) / PAGE * PAGE;
    if whole > 0 {
        // SAFETY: the range lies within the places, which are ours alone; the advice changes none of their bytes,
        // and a kernel that does not know it refuses.
        #[expect(unsafe_code, reason = "no safe function gives the kernel advice")]
        unsafe {
            libc::madvise(start.byte_add(before).cast(), whole, libc::MADV_HUGEPAGE);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Whether the mapping around the middle of a block has been asked for in huge pages: `hg` among its flags
    /// (proc_pid_smaps(5)).
    fn asked_for<T>(places: &[MaybeUninit<T>]) -> bool {
        let middle = places.as_ptr_range().start.addr() + size_of_val(places) / 2;
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let bounds = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            let address = |text| usize::from_str_radix(text, 16);
            if let Some((Ok(start), Ok(end))) = bounds.map(|(a, b)| (address(a), address(b))) {
                inside = (start..end).contains(&middle);
            } else if let (true, Some(flags)) = (inside, line.strip_prefix("VmFlags:")) {
                return flags.split_whitespace().any(|flag| flag == "hg");
            }
        }
        panic!("no mapping at {middle:x}");
    }

    /// Pages that this thread has faulted in.
    #[cfg(target_env = "gnu")]
    fn faults() -> i64 {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: it writes to that place alone, which holds zeros already.
        #[expect(unsafe_code, reason = "no safe function tells a thread's faults")]
        let usage = unsafe {
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()), 0);
            usage.assume_init()
        };
        usage.ru_minflt
    }

    /// Of a thread that is not the first, in more than one of its heaps.
    #[cfg(target_env = "gnu")]
    #[test]
    fn what_a_step_frees_the_next_one_finds() {
        if std::env::var_os("MALLOC_TOP_PAD_").is_some() {
            return;
        }
        keep_freed();
        let step = || {
            let before = faults();
            let blocks: [Vec<u8>; 12] = std::array::from_fn(|_| vec![1; 20 << 20]);
            std::hint::black_box(&blocks);
            faults() - before
        };
        let steps = std::thread::spawn(move || [step(), step(), step()]).join().unwrap();
        assert!(steps[2] * 4 < steps[0], "{steps:?}");
    }

    #[test]
    fn large_blocks_are_asked_for_in_huge_pages() {
        if !std::fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
            return;
        }
        assert!(asked_for(&unwritten::<f32>((64 << 20) / 4)));
        assert!(asked_for(&unwritten::<u8>((4 << 20) + 1)));
        assert!(!asked_for(&Box::<[u8]>::new_uninit_slice(64 << 20)));
        assert_eq!(unwritten::<f64>(0).len(), 0);
    }
}
