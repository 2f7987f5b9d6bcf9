//! Where the hub and its cache are, as the environment says.
//!
//! Source: Python's `huggingface_hub`, `constants.py`. An empty variable counts as none.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::Uri;

use super::error::HubError;
use super::{Options, REPOSITORY, REVISION};

const PUBLIC: &str = "https://huggingface.co";

/// Where the hub and its cache are, and how to talk to it.
pub(super) struct Place {
    endpoint: String,
    /// Told with errors, where the address comes from the environment.
    pub(super) hint: String,
    pub(super) token: Option<String>,
    pub(super) cache: PathBuf,
    pub(super) offline: bool,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

impl Place {
    pub(super) fn new(
        options: &Options,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, HubError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name)?.into_string().ok();
        let (endpoint, hint) = match (&options.endpoint, variable("HF_ENDPOINT")) {
            (Some(endpoint), _) => (address(endpoint, "the endpoint")?, String::new()),
            (None, Some(value)) => {
                let value = value.to_string_lossy();
                (address(&value, "HF_ENDPOINT")?, format!(" (HF_ENDPOINT is {value})"))
            }
            (None, None) => (PUBLIC.to_owned(), String::new()),
        };
        let offline = || {
            let value = text("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
            ["1", "on", "yes", "true"].contains(&value.as_str())
        };
        let timeout = || {
            let seconds = text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|value| value.parse().ok());
            Duration::from_secs(
                seconds.filter(|seconds| (1..=3600).contains(seconds)).unwrap_or(10),
            )
        };
        Ok(Self {
            endpoint,
            hint,
            token: text("HF_TOKEN").map(|token| token.trim().to_owned()),
            cache: options.cache.clone().map_or_else(|| cache(variable), Ok)?,
            offline: options.offline.unwrap_or_else(offline),
            timeout: options.timeout.unwrap_or_else(timeout),
            attempts: options.attempts.max(1),
        })
    }

    /// The address of one of the dataset's files.
    pub(super) fn url(&self, name: &str) -> String {
        format!("{}/datasets/{REPOSITORY}/resolve/{REVISION}/{name}", self.endpoint)
    }
}

/// An endpoint without slashes at its end, if it is one.
fn address(endpoint: &str, source_name: &'static str) -> Result<String, HubError> {
    let bad = |reason: &str| HubError::Endpoint {
        source_name,
        found: endpoint.to_owned(),
        reason: reason.to_owned(),
    };
    let trimmed = endpoint.trim().trim_end_matches('/');
    let example = format!("an address like {PUBLIC} was expected");
    let uri: Uri = trimmed.parse().map_err(|error| bad(&format!("{error}; {example}")))?;
    let web = ["http", "https"].contains(&uri.scheme_str().unwrap_or_default());
    let host = uri.host().unwrap_or_default();
    let plain = uri.port_u16().map_or(host.to_owned(), |port| format!("{host}:{port}"));
    // No port that is no number, and no password, which errors would tell.
    let named = uri.authority().is_some_and(|authority| *authority == *plain) && !host.is_empty();
    if !web || !named || uri.query().is_some() {
        return Err(bad(&example));
    }
    Ok(trimmed.to_owned())
}

/// The folder of the cache.
fn cache(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, HubError> {
    let home = || variable("HOME").map(PathBuf::from).or_else(env::home_dir);
    // A `~` that no shell has seen, as in a file of settings.
    let expanded = |path: OsString| match Path::new(&path).strip_prefix("~") {
        Ok(rest) => home().map(|home| home.join(rest)).ok_or(HubError::NoHome),
        Err(_) => Ok(PathBuf::from(path)),
    };
    if let Some(path) = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE")) {
        return expanded(path);
    }
    if let Some(path) = variable("HF_HOME") {
        return Ok(expanded(path)?.join("hub"));
    }
    let base = match variable("XDG_CACHE_HOME") {
        Some(path) => expanded(path)?,
        None => home().ok_or(HubError::NoHome)?.join(".cache"),
    };
    Ok(base.join("huggingface/hub"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Place, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found
                .map(|(_, value)| OsString::from(value))
                .or((name == "HOME").then(|| "/home/a".into()))
        };
        Place::new(&Options::default(), variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        for (variables, cache) in [
            (&[][..], "/home/a/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/h/hub"),
            (&[("HF_HOME", "~/h")], "/home/a/h/hub"),
            (&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/h")], "/c"),
            (&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/h")], "/old"),
            (&[("HF_HUB_CACHE", ""), ("HF_HOME", "/h")], "/h/hub"),
        ] {
            assert_eq!(place(variables).unwrap().cache, Path::new(cache), "{variables:?}");
        }
    }

    #[test]
    fn offline_is_a_word_for_yes() {
        for (value, offline) in
            [("1", true), ("ON", true), ("yes", true), ("True", true), ("0", false), ("", false)]
        {
            let place = place(&[("HF_HUB_OFFLINE", value)]).unwrap();
            assert_eq!(place.offline, offline, "{value:?}");
        }
        assert!(!place(&[]).unwrap().offline);
    }

    #[test]
    fn a_timeout_is_read_in_seconds() {
        for (value, seconds) in [("30", 30), ("0", 10), ("soon", 10)] {
            let place = place(&[("HF_HUB_DOWNLOAD_TIMEOUT", value)]).unwrap();
            assert_eq!(place.timeout, Duration::from_secs(seconds), "{value:?}");
        }
    }

    #[test]
    fn slashes_are_trimmed_and_a_bad_address_is_named() {
        for endpoint in ["http://a:1", "http://a:1/", "http://a:1//", " http://a:1/\n"] {
            let place = place(&[("HF_ENDPOINT", endpoint)]).unwrap();
            assert_eq!(place.endpoint, "http://a:1");
            assert!(place.url("f").starts_with("http://a:1/datasets/ylecun/mnist/resolve/77f3"));
        }
        assert_eq!(place(&[("HF_ENDPOINT", "https://a/b/")]).unwrap().endpoint, "https://a/b");
        assert_eq!(place(&[("HF_ENDPOINT", "")]).unwrap().endpoint, PUBLIC);
        for endpoint in [
            "huggingface.co",
            "hf-mirror.com/",
            "ftp://huggingface.co",
            "https://",
            "https:///datasets",
            "http://a:port",
            "http://a b",
            "https://a/?x=1",
            "/",
            " ",
        ] {
            let error = place(&[("HF_ENDPOINT", endpoint)]).map(|_| ()).unwrap_err();
            assert!(error.starts_with(&format!("HF_ENDPOINT is {endpoint:?}: ")), "{error}");
            assert!(
                error.ends_with("an address like https://huggingface.co was expected"),
                "{error}"
            );
        }
    }
}
