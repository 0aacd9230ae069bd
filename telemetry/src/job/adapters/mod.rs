//! What answers of HTTP clients say about how a request went.
//!
//! A client returns an answer with the code 503 as `Ok`. So that it is counted as what it is, a [`Result`]'s value is asked too, whatever the
//! error's type: [`answer_of`] knows the answers of the clients whose features are on.

#[cfg(any(feature = "reqwest", feature = "ureq"))]
pub(crate) mod checked;
#[cfg(feature = "reqwest")]
pub(crate) mod reqwest;
#[cfg(feature = "ureq")]
pub(crate) mod ureq;

use crate::job::outcome::is_retryable_code;
use std::time::{Duration, SystemTime};

/// What an answer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) retry_after: Option<Duration>,
}

impl Answer {
    pub(crate) fn is_error(self) -> bool {
        self.code >= 400
    }

    pub(crate) fn is_retryable(self) -> bool {
        is_retryable_code(self.code)
    }
}

/// What a value says, where it is the answer of a client that is known here.
#[cfg(any(feature = "reqwest", feature = "ureq"))]
pub(crate) fn answer_of<T>(value: &T) -> Option<Answer> {
    #[cfg(feature = "reqwest")]
    if let Some(answer) = same::<T, ::reqwest::Response>(value) {
        return Some(reqwest::answer(answer));
    }
    #[cfg(feature = "ureq")]
    if let Some(answer) = same::<T, ureq::Response>(value) {
        return Some(ureq::answer(answer));
    }
    None
}

#[cfg(not(any(feature = "reqwest", feature = "ureq")))]
pub(crate) fn answer_of<T>(_value: &T) -> Option<Answer> {
    None
}

/// The value as an `A`, where that is what it is. `std::any::Any` would ask for `T: 'static`, which a request's output need not be.
#[cfg(any(feature = "reqwest", feature = "ureq"))]
fn same<T, A: 'static>(value: &T) -> Option<&A> {
    // SAFETY: equal identities mean that `T` is `A` up to lifetimes, and `A` has none that could differ, since it is `'static`
    // and each caller names a type without lifetime parameters.
    (typeid::of::<T>() == typeid::of::<A>()).then(|| unsafe { &*std::ptr::from_ref(value).cast::<A>() })
}

/// What a response's header `Retry-After` asks to wait: a number of seconds, or a date. `None` where it is neither.
///
/// `now` is what a date is seen from: the response's header `Date` where there is one, since the source's clock may go
/// differently, else [`SystemTime::now`]. What has passed asks for no wait.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use telemetry::job::retry_after;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
/// assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
/// assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
/// assert_eq!(retry_after("soon", now), None);
/// ```
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    // Digits alone: `parse` would take a sign too.
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What does not fit is longer than anybody waits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// What the headers ask to wait.
#[cfg(any(feature = "reqwest", feature = "ureq"))]
fn asked_to_wait(headers: &http::HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let date = || text(http::header::DATE).and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    let value = text(http::header::RETRY_AFTER)?;
    retry_after(value, date().unwrap_or_else(SystemTime::now))
}

#[cfg(all(test, any(feature = "ureq", all(feature = "reqwest", feature = "tokio"))))]
mod source;
#[cfg(all(test, any(feature = "ureq", all(feature = "reqwest", feature = "tokio"))))]
mod tests;

#[cfg(test)]
mod header {
    use super::*;

    #[test]
    fn what_asks_for_too_much_or_for_nonsense_is_no_panic() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(retry_after("99999999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        for nonsense in ["", " ", "-1", "+1", "1.5", "12s", "Sun, 06 Nov 1994", "٣"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense:?}");
        }
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
    }
}
