//! A server with networks that were never trained, and whose answers can be worked out by hand.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use pairnet_serve::{Answer, Digit, Network, Pair, Sample, Samples, Served, listen, serve};

pub(crate) const SAMPLES: usize = 100;

/// One that runs until it is dropped.
pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::of(served())
    }

    pub(crate) fn of(served: Served) -> Self {
        Self::on(listen("127.0.0.1:0".parse().unwrap()).unwrap(), served)
    }

    pub(crate) fn on(listener: TcpListener, served: Served) -> Self {
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || serve(listener, served, &flag).unwrap());
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
    }
}

/// How much ink a digit has: from 0 to 1.
pub(crate) fn ink(digit: &Digit) -> f64 {
    digit.iter().map(|&level| f64::from(level)).sum::<f64>() / (255.0 * 784.0)
}

/// `ink` says that the first is at most the second where it has no more ink; `digits` says so too, and
/// takes every digit for the one that its ink in hundredths ends in; `broken` cannot answer.
pub(crate) fn served() -> Served {
    let network = |name: &str, note: &str, answer: fn(&Pair) -> Result<Answer, String>| Network {
        name: name.to_owned(),
        recipe: "by-hand".to_owned(),
        note: note.to_owned(),
        answer: Box::new(answer),
    };
    let networks = vec![
        network("ink", "never trained", |pair| {
            Ok(Answer { probability: more_ink(pair), digits: None })
        }),
        network("digits", "never trained either", |pair| {
            let digits = Some(pair.each_ref().map(posterior));
            Ok(Answer { probability: more_ink(pair), digits })
        }),
        network("broken", "", |_| Err("it is broken".to_owned())),
    ];
    Served { networks, samples: Samples { count: SAMPLES, pair: Box::new(sample) }, hosts: vec![] }
}

fn more_ink([first, second]: &Pair) -> f64 {
    1.0 / (1.0 + (-10.0 * (ink(second) - ink(first))).exp())
}

fn posterior(digit: &Digit) -> [f64; 10] {
    let mut result = [0.02; 10];
    result[(100.0 * ink(digit)) as usize % 10] = 0.82;
    result
}

/// Bars: the first digit's is as long as the index's last figure, the second one's as its first.
pub(crate) fn sample(index: usize) -> Sample {
    let classes = [(index % 10) as u8, (index / 10) as u8];
    let digits = classes.map(|class| {
        let mut digit = [0; 784];
        for row in 8..20 {
            digit[row * 28 + 4..][..2 * usize::from(class) + 2].fill(255);
        }
        digit
    });
    Sample { digits, classes }
}

/// Eight with the names that the page is made for, which differ in how sure they are.
pub(crate) fn eight() -> Served {
    let names = [
        "mlp",
        "mlp-ws",
        "mlp-al",
        "mlp-ws-al",
        "lenet5",
        "lenet5-ws",
        "lenet5-al",
        "lenet5-ws-al",
    ];
    let network = |(place, name): (usize, &str)| Network {
        name: name.to_owned(),
        recipe: "paper".to_owned(),
        note: "99.9 % of training pairs, 97.1 % of test pairs".to_owned(),
        answer: Box::new(move |pair| {
            let sure = 10.0 * (place as f64 - 1.0);
            let probability = 1.0 / (1.0 + (-sure * (ink(&pair[1]) - ink(&pair[0]))).exp());
            let digits = (place % 4 > 1).then(|| pair.each_ref().map(posterior));
            Ok(Answer { probability, digits })
        }),
    };
    Served { networks: names.into_iter().enumerate().map(network).collect(), ..served() }
}
