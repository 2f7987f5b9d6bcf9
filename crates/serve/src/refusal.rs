//! What a client is told where it gets no answer.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A status with a sentence: what is wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Told {
            error: String,
        }
        (self.status, json(&Told { error: self.error })).into_response()
    }
}

/// `value` as the body of a response.
pub(crate) fn json(value: &impl Serialize) -> Response {
    // Fails for maps whose keys are no text and for writers that fail, of which there are none.
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], Bytes::from(body)).into_response()
}
