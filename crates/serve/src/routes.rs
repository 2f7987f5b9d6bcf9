//! Which request gets which answer.

use std::sync::Arc;
use std::thread::available_parallelism;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{self, CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use pairnet_images::{ImageError, like_mnist};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::ask::{Known, ask, in_turn};
use crate::guard::guard;
use crate::host::Host;
use crate::limits::{DRAWING_SIDE, DRAWINGS};
use crate::page::{self, Page};
use crate::refusal::{Refusal, json};
use crate::served::{Digit, Served};

struct Shared {
    served: Served,
    page: Page,
    /// As many as answer at once.
    turns: Arc<Semaphore>,
}

/// Everything but the sockets; wants an extension [`Reached`](crate::guard::Reached).
pub(crate) fn router(mut served: Served) -> Router {
    let hosts: Arc<[Host]> = std::mem::take(&mut served.hosts).into();
    let turns = Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from)));
    let shared = Arc::new(Shared { served, page: page::page(), turns });
    Router::new()
        .route("/", get(the_page))
        .route("/icon.svg", get(icon))
        .route("/networks", get(networks))
        .route("/samples/{index}", get(sample))
        .route("/answers", post(answers))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(hosts, guard))
        .with_state(shared)
}

async fn the_page(State(shared): State<Arc<Shared>>) -> Response {
    let Page { html, policy } = &shared.page;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
    ];
    (headers, html.clone()).into_response()
}

async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], page::ICON)
}

async fn networks(State(shared): State<Arc<Shared>>) -> Response {
    #[derive(Serialize)]
    struct Described<'a> {
        name: &'a str,
        recipe: &'a str,
        note: &'a str,
    }
    #[derive(Serialize)]
    struct All<'a> {
        networks: Vec<Described<'a>>,
        samples: usize,
    }
    let Served { networks, samples, .. } = &shared.served;
    let networks = networks.iter();
    json(&All {
        networks: networks
            .map(|one| Described { name: &one.name, recipe: &one.recipe, note: &one.note })
            .collect(),
        samples: samples.count,
    })
}

async fn sample(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Refusal> {
    let index = sample_index(uri.path(), shared.served.samples.count)?;
    let turns = Arc::clone(&shared.turns);
    let answers = in_turn(&turns, move || {
        let Served { networks, samples, .. } = &shared.served;
        let sample = (samples.pair)(index);
        ask(networks, &sample.digits, Some(Known { index, classes: sample.classes }))
    });
    Ok(json(&answers.await?))
}

fn sample_index(path: &str, count: usize) -> Result<usize, Refusal> {
    let text = path.strip_prefix("/samples/").unwrap_or(path);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        let error = format!("{text:?} is no pair's number: write it in the digits 0 to 9");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, error));
    }
    match text.parse() {
        Ok(index) if index < count => Ok(index),
        _ => {
            let error = format!("there is no pair {text}: {count} pairs are counted from 0");
            Err(Refusal::new(StatusCode::NOT_FOUND, error))
        }
    }
}

async fn answers(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    octets(&headers)?;
    let length = body.len();
    if length != DRAWINGS {
        let error = format!(
            "{length} bytes are not two drawings of {DRAWING_SIDE}×{DRAWING_SIDE} grey levels: \
             send {DRAWINGS}"
        );
        return Err(Refusal::new(StatusCode::BAD_REQUEST, error));
    }
    let turns = Arc::clone(&shared.turns);
    let answers = in_turn(&turns, move || {
        let (first, second) = body.split_at(DRAWINGS / 2);
        let pair = [digit(first, "first")?, digit(second, "second")?];
        Ok(ask(&shared.served.networks, &pair, None))
    });
    Ok(json(&answers.await??))
}

/// No form and no script of another page sends this type without being asked first, which we refuse.
fn octets(headers: &HeaderMap) -> Result<(), Refusal> {
    let named = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("something else"));
    let essence = named.and_then(|named| named.split(';').next()).unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/octet-stream") {
        return Ok(());
    }
    let error = format!("a Content-Type of {essence:?} is not read: send application/octet-stream");
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

fn digit(drawing: &[u8], which: &str) -> Result<Digit, Refusal> {
    like_mnist(drawing, DRAWING_SIDE, DRAWING_SIDE).map_err(|error| {
        let error = match error {
            ImageError::Blank { .. } => format!("the {which} drawing is blank: draw a digit"),
            error => format!("the {which} drawing: {error}"),
        };
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    })
}

async fn unknown(uri: Uri) -> Refusal {
    let error = format!(
        "there is nothing at {:?}: ask for /, /networks or /samples/0, or send to /answers",
        uri.path()
    );
    Refusal::new(StatusCode::NOT_FOUND, error)
}

/// Which one is right, axum says in the header `Allow`.
async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let right = if uri.path() == "/answers" { "POST" } else { "GET" };
    let error = format!("{method} is not for {}: use {right}", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error)
}
