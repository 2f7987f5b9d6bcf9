//! The page, put together, and the policy that lets it ask for nothing but its server's answers.

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

pub(crate) const ICON: &str = include_str!("page/icon.svg");
const HEAD: &str = include_str!("page/head.html");
const BODY: &str = include_str!("page/body.html");
const STYLE: &str = concat!("\n", include_str!("page/page.css"), include_str!("page/answers.css"));
const SCRIPT: &str = concat!(
    "\n",
    include_str!("page/field.js"),
    include_str!("page/show.js"),
    include_str!("page/server.js"),
    include_str!("page/main.js")
);

/// What is sent for `/`.
pub(crate) struct Page {
    pub(crate) html: Bytes,
    /// The Content-Security-Policy: nothing is run but what has these hashes.
    pub(crate) policy: String,
}

pub(crate) fn page() -> Page {
    let html = format!(
        "{HEAD}<style>{STYLE}</style>\n</head>\n{BODY}<script type=\"module\">{SCRIPT}</script>\n\
         </body>\n</html>\n"
    );
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    Page { html: Bytes::from(html), policy }
}
