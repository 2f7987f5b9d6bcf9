//! What every request goes through: under which name the server was reached, and its body, within bounds.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{self, HOST, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::host::Host;
use crate::limits::{BODY_WITHIN, DRAWINGS, DROPPED};
use crate::refusal::Refusal;

/// The address of ours at which a client has reached us.
#[derive(Clone, Copy)]
pub(crate) struct Reached(pub(crate) IpAddr);

/// What a browser is to be strict about, whatever the answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Hands on what is admitted, its body read.
pub(crate) async fn guard(
    State(hosts): State<Arc<[Host]>>,
    Extension(Reached(at)): Extension<Reached>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    // Read in any case: a client that is still sending would find its connection reset, and no answer.
    let body = read(body).await;
    let admitted = known_as(&parts, &hosts, at).and(body);
    let mut response = match admitted {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The body, where it is no longer than two drawings.
async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let late = |_| {
        let error = format!("the body was not there within {} s: send it", BODY_WITHIN.as_secs());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, error)
    };
    timeout(BODY_WITHIN, collect(body)).await.map_err(late)?
}

async fn collect(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut kept, mut length) = (Vec::new(), 0);
    // One that announces more than we would read is not waited for.
    if body.size_hint().lower() > DROPPED as u64 {
        return Err(too_long());
    }
    while let Some(frame) = body.frame().await {
        let broken = |error| Refusal::new(StatusCode::BAD_REQUEST, format!("the body: {error}"));
        // What are no data are trailers.
        let data = frame.map_err(broken)?.into_data().unwrap_or_default();
        length += data.len();
        if length <= DRAWINGS {
            kept.extend_from_slice(&data);
        } else if length > DROPPED {
            break;
        }
    }
    if length > DRAWINGS { Err(too_long()) } else { Ok(kept) }
}

fn too_long() -> Refusal {
    let error = format!("the body is too long: two drawings are {DRAWINGS} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}

/// Whether the request names us as we are known.
fn known_as(parts: &Parts, hosts: &[Host], at: IpAddr) -> Result<(), Refusal> {
    let named = host(&parts.headers)?;
    let all = [Some(named), parts.uri.authority().map(Authority::as_str)];
    match all.into_iter().flatten().find(|name| !is_ours(name, hosts, at)) {
        None => Ok(()),
        Some(name) => {
            let error = format!(
                "this server is not known as {name:?}: open it by its address, or start it so \
                 that it goes by this name"
            );
            Err(Refusal::new(StatusCode::FORBIDDEN, error))
        }
    }
}

fn host(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut named = headers.get_all(HOST).iter();
    match (named.next().map(HeaderValue::to_str), named.next()) {
        (Some(Ok(host)), None) => Ok(host),
        _ => {
            let error = "one Host header is needed: send the server's address in it";
            Err(Refusal::new(StatusCode::BAD_REQUEST, error))
        }
    }
}

/// The port does not matter: it may be another one's that forwards to ours.
fn is_ours(host: &str, hosts: &[Host], at: IpAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let Ok(named) = name.parse::<Host>() else { return false };
    let always = match named.address() {
        Some(address) => address.is_loopback() || address == at.to_canonical(),
        None => name.eq_ignore_ascii_case("localhost"),
    };
    always || hosts.contains(&named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_loopback_its_address_and_the_names_it_was_given() {
        let hosts = ["box.example", "192.168.1.7"].map(|host| host.parse().unwrap());
        let at = "192.168.1.5".parse().unwrap();
        for host in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]:80",
            "192.168.1.5:80",
            "[::ffff:192.168.1.5]",
            "Box.Example:80",
            "192.168.1.7:80",
            "[::ffff:192.168.1.7]",
        ] {
            assert!(is_ours(host, &hosts, at), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil.example:80@localhost",
            "me@localhost",
            "192.168.1.6",
            "0.0.0.0",
            "[::]",
            "127.0.0.1.evil.example",
            "a b",
            "[localhost]",
            "http://localhost/",
        ] {
            assert!(!is_ours(host, &hosts, at), "{host}");
        }
    }
}
