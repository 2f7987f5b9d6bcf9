//! What a client sends to the server, in one connection; it is answered in HTTP or not at all.
#![no_main]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use pairnet_serve::{Answer, Network, Sample, Samples, Served, listen, serve};

fn address() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let ink = |digit: &[u8; 784]| digit.iter().map(|&level| f64::from(level)).sum::<f64>();
        let network = Network {
            name: "ink".to_owned(),
            recipe: String::new(),
            note: String::new(),
            answer: Box::new(move |pair| {
                let probability = f64::from(u8::from(ink(&pair[0]) <= ink(&pair[1])));
                Ok(Answer { probability, digits: None })
            }),
        };
        let pair = Box::new(|index| Sample { digits: [[index as u8; 784]; 2], classes: [0; 2] });
        let samples = Samples { count: 100, pair };
        let served = Served { networks: vec![network], samples, hosts: vec![] };
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener, served, &AtomicBool::new(false)).unwrap());
        address
    })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut stream = TcpStream::connect(address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // A server that has refused it may not read to the end.
    let _ = stream.write_all(input);
    // No more comes: there is nothing to wait for.
    let _ = stream.shutdown(Shutdown::Write);
    let mut told = Vec::new();
    match stream.read_to_end(&mut told) {
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        Ok(_) => assert!(told.is_empty() || told.starts_with(b"HTTP/1.")),
    }
});
