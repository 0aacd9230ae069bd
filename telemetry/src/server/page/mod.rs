//! What a person sees at `/`: one document that loads nothing, and asks `/api/live` each second for what it shows. There is nothing of the program in it, so
//! that who has no token yet may have it, and be asked.
//!
//! Its script may do nothing that the policy below does not allow: run other scripts, make elements out of text, load or send anything but to where it
//! came from. Whatever a function or a label is called therefore stays text.

mod assembled; // the document, its parts put together

use crate::server::answer::{Answer, list, varying, whole, with};
use crate::server::coding::{Accepted, Coding};
use assembled::{PAGE, POLICY};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
};
use std::sync::OnceLock;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Where the page's links begin; replaced where a program has it below a path of its own.
const BASE: &str = "<meta name=\"base\" content=\"/\">";
/// That of the endpoint of our own.
const ROOT: &str = "/";

/// The page; its links begin with `base`.
pub(super) fn answer(headers: &HeaderMap, base: &str) -> Answer {
    static COMPRESSED: OnceLock<Option<Bytes>> = OnceLock::new();
    let accepted = Accepted::negotiate(list(headers, &ACCEPT_ENCODING).as_deref());
    // Who would rather have zstd takes gzip too, as far as browsers go; others get it as it is.
    let takes_gzip = accepted.is_some_and(|accepted| accepted.best != Coding::Identity)
        && Accepted::takes_gzip(list(headers, &ACCEPT_ENCODING).as_deref());
    let compressed = || COMPRESSED.get_or_init(|| Coding::Gzip.encode(PAGE.as_bytes()).ok().map(Bytes::from)).clone();
    let answer = match compressed().filter(|_| takes_gzip && base == ROOT) {
        Some(bytes) => with(whole(StatusCode::OK, HTML, bytes), CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        None if base == ROOT => whole(StatusCode::OK, HTML, PAGE),
        None => whole(StatusCode::OK, HTML, PAGE.replace(BASE, &based(base))),
    };
    let answer = with(varying(answer), CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let answer = with(answer, REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    with(answer, HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"))
}

/// A path is text from outside as well.
fn based(base: &str) -> String {
    let safe: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || "/-_.~%".contains(*c)).collect();
    format!("<meta name=\"base\" content=\"{safe}\">")
}

#[cfg(test)]
mod tests;
