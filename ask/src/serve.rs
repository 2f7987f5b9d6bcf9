//! `cargo xtask serve`: a page to draw on.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Error, Result};
use pairnet_data::{Mnist, SIDE};
use pairnet_serve::{Answer, Host, Network, Sample, Samples, ServeError, Served, listen};
use pairnet_terminal::{Interrupted, Signals, note, print};
use pairnet_training::Kept;

use crate::networks::{answer, load, test_pairs};

/// One page, two digits, and what networks make of them while they are drawn.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Networks that train has written, or names of shipped ones [default: the eight shipped ones]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to listen; 0 takes a port that is free
    #[arg(long, value_name = "N", default_value_t = 8714)]
    port: u16,
    /// The address to listen on; others than 127.0.0.1 can be reached from elsewhere
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// A name or an address under which others know this machine; may be repeated. A browser that asks
    /// for another one is refused
    #[arg(long, value_name = "NAME")]
    name: Vec<Host>,
}

pub(crate) fn serve(arguments: &Arguments) -> Result<()> {
    let mut files = arguments.files.clone();
    if files.is_empty() {
        files = pairnet_models::names().map(PathBuf::from).collect();
    }
    let networks = files.iter().map(|file| Ok(network(load(file)?.1)));
    let networks = networks.collect::<Result<Vec<_>>>()?;
    let served = Served { networks, samples: samples()?, hosts: arguments.name.clone() };
    let signals = Signals::listen()?;
    let asked = SocketAddr::new(arguments.host, arguments.port);
    let listener = listen(asked).map_err(with_a_way_out)?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        note("whoever reaches this machine on that port can draw, and ask the networks");
    }
    print(&format!("http://{}\n", from_here(address)))?;
    note("Ctrl-C ends it");
    pairnet_serve::serve(listener, served, signals.stop())?;
    match signals.end() {
        Some(signal) => Err(Interrupted { signal, told: "ended".to_owned() }.into()),
        None => Ok(()),
    }
}

fn with_a_way_out(error: ServeError) -> Error {
    let way_out = match &error {
        ServeError::Listen { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => "--port 0 takes a port that is free",
            ErrorKind::AddrNotAvailable => "--host takes an address of this machine",
            _ => return error.into(),
        },
        _ => return error.into(),
    };
    Error::from(error).context(way_out)
}

/// What to open on this machine: one does not connect to "all addresses".
fn from_here(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn network(kept: Kept) -> Network {
    Network {
        name: kept.name().to_owned(),
        recipe: kept.known.get("recipe").cloned().unwrap_or_default(),
        note: kept.accuracies().collect::<Vec<_>>().join(", "),
        answer: Box::new(move |pair| {
            let answer = answer(&kept, pair).map_err(|error| error.to_string())?;
            Ok(Answer { probability: answer.probability, digits: answer.digits })
        }),
    }
}

fn samples() -> Result<Samples> {
    let data = Mnist::shipped()?;
    let pairs = test_pairs(&data)?.indices().to_vec();
    let sample = move |index: usize| {
        let digits = pairs[index].map(|digit| digit as usize);
        let pixels = |digit: usize| {
            let mut pixels = [0; SIDE * SIDE];
            pixels.copy_from_slice(data.test.image(digit));
            pixels
        };
        Sample { digits: digits.map(pixels), classes: digits.map(|digit| data.test.label(digit)) }
    };
    Ok(Samples { count: crate::networks::TEST_PAIRS, pair: Box::new(sample) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_opened_by_loopback_and_one_by_itself() {
        for (listened, opened) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.2:80", "127.0.0.2:80"),
            ("192.168.1.5:80", "192.168.1.5:80"),
        ] {
            assert_eq!(from_here(listened.parse().unwrap()).to_string(), opened);
        }
    }
}
