//! Names and addresses that a server goes by.

use std::net::IpAddr;
use std::str::FromStr;

use crate::error::HostError;

/// A host as the `Host` header of a request names it, without a port.
///
/// ```
/// use pairnet_serve::Host;
///
/// assert!("box.example".parse::<Host>().is_ok());
/// assert!("192.168.1.5".parse::<Host>().is_ok());
/// let error = "http://box.example".parse::<Host>().unwrap_err();
/// assert!(error.to_string().starts_with("'http://box.example' is not the name of a host"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(Known);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// The address, where it is one and no name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Known::Address(address) => Some(address),
            Known::Name(_) => None,
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    /// # Errors
    ///
    /// For what no request would name: a URL, a port, a wildcard, letters other than ASCII's.
    fn from_str(text: &str) -> Result<Self, HostError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bare.unwrap_or(text).parse::<IpAddr>() {
            Ok(address) if bare.is_none() || address.is_ipv6() => {
                Ok(Self(Known::Address(address.to_canonical())))
            }
            _ if is_name(text) => Ok(Self(Known::Name(text.to_ascii_lowercase()))),
            _ => Err(HostError { text: text.to_owned() }),
        }
    }
}

/// Labels with dots between them, the last of which may stand at the end.
fn is_name(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text);
    let of_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    labels.split('.').all(|label| !label.is_empty() && label.chars().all(of_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts_and_nothing_else_is() {
        for (text, same) in [
            ("box", "BOX"),
            ("box.example", "Box.Example"),
            ("my_box-2.example.", "MY_BOX-2.example."),
            ("192.168.1.5", "::ffff:192.168.1.5"),
            ("fe80::1", "[FE80::1]"),
        ] {
            let host = text.parse::<Host>().unwrap();
            assert_eq!(host, same.parse().unwrap(), "{text}");
            assert_eq!(host.address().is_some(), text.contains("1.5") || text.contains("::"));
        }
        for text in [
            "",
            ".",
            "a..b",
            ".a",
            "*",
            "*.example",
            "box:80",
            "1.2.3.4:80",
            "[::1]:80",
            "[1.2.3.4]",
            "[box]",
            "http://box",
            "box/",
            "me@box",
            "a b",
            " box",
            "bücher.example",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
