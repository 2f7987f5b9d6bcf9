//! One file, from the hub to the disk.

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, SystemTime};

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, Timeout};

use super::cache::{Cache, Part};
use super::error::HubError;
use super::place::Place;
use super::{LONGEST, Progress};

/// The longest that is waited because a server asks for it: what the hub counts its requests over.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(1800);
/// What every parquet file begins with.
const PARQUET: &[u8] = b"PAR1";

/// A failed attempt, and when to try again if that can help.
struct Failure {
    error: HubError,
    again: Option<Duration>,
}

/// Fetches a file, several times if need be. What is left on disk of an attempt that failed is
/// deleted.
pub(super) fn download(
    place: &Place,
    cache: &Cache,
    name: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Part, HubError> {
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(place.timeout))
        .timeout_connect(Some(place.timeout))
        .timeout_recv_response(Some(place.timeout))
        .timeout_per_read(Some(place.timeout))
        .timeout_global(Some(ATTEMPT))
        .user_agent(concat!("pairnet-data/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let mut attempt = 1;
    loop {
        let Failure { error, again } = match once(&agent, place, cache, name, progress) {
            Ok(part) => return Ok(part),
            Err(failure) => failure,
        };
        let Some(asked) = again else { return Err(error) };
        if attempt == place.attempts {
            return Err(HubError::GaveUp { attempts: attempt, source: Box::new(error) });
        }
        // One second, two, four, unless the hub asks for more.
        let wait = asked.max(Duration::from_secs(1 << (attempt - 1).min(5)));
        progress(Progress::Waiting { file: name, reason: &error, wait });
        thread::sleep(wait);
        attempt += 1;
    }
}

fn once(
    agent: &Agent,
    place: &Place,
    cache: &Cache,
    name: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Part, Failure> {
    let url = place.url(name);
    let for_good = |error| Failure { error, again: None };
    let broken = |error: ureq::Error, done: u64| Failure {
        again: passes(&error).then_some(Duration::ZERO),
        error: HubError::Request {
            file: url.clone(),
            reason: reason(&error, place, done),
            hint: place.hint.clone(),
        },
    };
    let mut request = agent.get(&url);
    if let Some(token) = &place.token {
        // Not sent on to where another host is redirected to.
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let response = request.call().map_err(|error| broken(error, 0))?;
    if response.status() != 200 {
        return Err(refused(&response, url, place));
    }
    let all = text(response.headers(), "content-length").and_then(|length| length.parse().ok());
    let kind = text(response.headers(), "content-type").unwrap_or_default().to_owned();
    let mut body = response.into_body().into_reader();
    // The first bytes say whether the rest is worth having.
    let mut start = Vec::new();
    let read = body.by_ref().take(PARQUET.len() as u64).read_to_end(&mut start);
    read.map_err(|error| broken(error.into(), start.len() as u64))?;
    if start != PARQUET {
        let found = seems(&start, &kind);
        return Err(for_good(HubError::NoParquet { file: url, found }));
    }
    let mut part = Part::new(cache).map_err(for_good)?;
    let mut source = start.chain(body);
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(part),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(error.into(), done)),
        };
        done += read as u64;
        if done > LONGEST {
            return Err(for_good(HubError::TooLong { file: url, longest: LONGEST }));
        }
        part.write(&buffer[..read]).map_err(for_good)?;
        progress(Progress::Received { file: name, done, all });
    }
}

/// Why an answer that is no file is none, and when to ask again.
fn refused(response: &Response<Body>, file: String, place: &Place) -> Failure {
    let status = response.status().as_u16();
    let again = matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
        .then(|| asked(response.headers()).unwrap_or_default());
    if let Some(wait) = again.filter(|&wait| wait > PATIENCE) {
        let error = HubError::Wait { file, status, seconds: wait.as_secs() };
        return Failure { error, again: None };
    }
    let meaning = match (status, &place.token) {
        (401 | 403, None) => " (it asks for a login)",
        (401 | 403, Some(_)) => " (it does not accept HF_TOKEN)",
        (404, _) => " (it has no such file)",
        _ => "",
    };
    let hint = format!("{meaning}{}", place.hint);
    Failure { error: HubError::Status { file, status, hint }, again }
}

/// How long a server asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or the
/// `t` of the hub's `RateLimit`, seconds until it counts anew.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let after = |value: &str| match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok(),
    };
    let limit = |value: &str| {
        let seconds = value.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
        Some(Duration::from_secs(seconds.parse().ok()?))
    };
    let after = text(headers, "retry-after").and_then(|value| after(value.trim()));
    after.or_else(|| text(headers, "ratelimit").and_then(limit))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What a body seems to be that is no parquet file.
fn seems(start: &[u8], kind: &str) -> String {
    if start.is_empty() {
        "it is empty".to_owned()
    } else if kind.contains("html") || start.starts_with(b"<") {
        "it is a web page, of a login or a proxy perhaps".to_owned()
    } else {
        format!("it begins with {:?}", String::from_utf8_lossy(start))
    }
}

fn reason(error: &ureq::Error, place: &Place, done: u64) -> String {
    let reason = match error {
        ureq::Error::Timeout(Timeout::Global) => {
            format!("it took more than {} seconds", ATTEMPT.as_secs())
        }
        ureq::Error::Timeout(_) => {
            format!("no answer for {} seconds", place.timeout.as_secs_f64())
        }
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection broke off".to_owned()
        }
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    if done == 0 { reason } else { format!("{reason} after {done} bytes") }
}

/// Whether a failure may be gone the next time.
fn passes(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => error.kind() != io::ErrorKind::ConnectionRefused,
        ureq::Error::Timeout(_) | ureq::Error::BodyStalled => true,
        _ => false,
    }
}
