//! Nothing waits for ever: each test runs beside a clock, which a hang fails.

use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::time::Duration;

use pairnet_ops::{awake, side_by_side};

/// What `work` returns or panics with, which it does soon.
fn soon<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> std::thread::Result<R> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let _ = sender.send(result);
    });
    receiver.recv_timeout(Duration::from_secs(60)).expect("an end within a minute")
}

fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn sum_of_parts() -> u64 {
    use rayon::prelude::*;
    (0..1000u64)
        .into_par_iter()
        .map(|value| rayon::join(|| value, || value))
        .map(|(a, b)| a + b)
        .sum()
}

const SUM: u64 = 999_000;

#[test]
fn twice_at_once_in_one_pool() {
    for threads in [1, 2, 3, 4] {
        let both =
            move || on(threads, || rayon::join(|| awake(sum_of_parts), || awake(sum_of_parts)));
        assert_eq!(soon(both).unwrap(), (SUM, SUM));
    }
}

/// The two calls are under way at the same time for certain, on all threads of their pool.
#[test]
fn twice_at_once_from_two_callers() {
    let both = || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let meeting = Barrier::new(2);
        let call = || {
            pool.install(|| {
                meeting.wait();
                awake(sum_of_parts)
            })
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(call);
            (call(), other.join().unwrap())
        })
    };
    assert_eq!(soon(both).unwrap(), (SUM, SUM));
}

#[test]
fn one_within_another() {
    for threads in [1, 2, 5] {
        let nested = move || on(threads, || awake(|| sum_of_parts() + awake(sum_of_parts)));
        assert_eq!(soon(nested).unwrap(), 2 * SUM);
        let in_parts =
            move || on(threads, || awake(|| rayon::join(|| awake(sum_of_parts), sum_of_parts)));
        assert_eq!(soon(in_parts).unwrap(), (SUM, SUM));
        let mixed = move || {
            on(threads, || {
                side_by_side(|| awake(sum_of_parts), || awake(|| side_by_side(|| 1, || 2)))
            })
        };
        assert_eq!(soon(mixed).unwrap(), (SUM, (1, 2)));
    }
}

/// A thread that never comes: it waits for what only the work can give.
#[test]
fn beside_a_thread_that_waits_for_the_work() {
    let work = || {
        let (sender, receiver) = channel();
        on(2, || {
            rayon::join(
                || awake(move || sender.send(sum_of_parts()).unwrap()),
                move || receiver.recv().unwrap(),
            )
        })
    };
    assert_eq!(soon(work).unwrap().1, SUM);
}

#[test]
fn outside_any_pool() {
    assert_eq!(soon(|| awake(sum_of_parts)).unwrap(), SUM);
    let both = || side_by_side(|| side_by_side(sum_of_parts, || 1), || 2);
    assert_eq!(soon(both).unwrap(), ((SUM, 1), 2));
}

#[test]
fn a_panic_is_passed_on() {
    for threads in [1, 2, 3] {
        let panics = move || on(threads, || awake(|| -> u64 { panic!("within") }));
        assert_eq!(*soon(panics).unwrap_err().downcast::<&str>().unwrap(), "within");
        let nested = move || {
            on(threads, || side_by_side(|| side_by_side(|| 1, || -> u8 { panic!("deep") }), || 2))
        };
        assert_eq!(*soon(nested).unwrap_err().downcast::<&str>().unwrap(), "deep");
        let both = move || {
            on(threads, || side_by_side(|| -> u8 { panic!("one") }, || -> u8 { panic!("other") }))
        };
        assert_eq!(*soon(both).unwrap_err().downcast::<&str>().unwrap(), "one");
    }
}

#[test]
fn a_panic_is_passed_on_while_the_other_thread_is_at_work() {
    for first_panics in [true, false] {
        let work = move || {
            let both_at_work = Barrier::new(2);
            let half = |panics: bool| {
                both_at_work.wait();
                assert!(!panics, "here");
                sum_of_parts()
            };
            on(2, || side_by_side(|| half(first_panics), || half(!first_panics)))
        };
        assert_eq!(*soon(work).unwrap_err().downcast::<&str>().unwrap(), "here");
    }
}
