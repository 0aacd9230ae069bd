//! The API key, which may carry its server's address.

use crate::config::push::access::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// A key as it is sent, and the address in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiKey {
    pub(super) secret: Secret,
    /// `baseUrl` of what stands behind the star.
    pub(super) base_url: Option<String>,
}

impl ApiKey {
    /// `None` where the text is no key: empty, or with more than one star. What can be no part of a header is none either.
    pub(super) fn parse(text: &str) -> Option<ApiKey> {
        let text = text.trim();
        let is_sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut parts = text.split('*');
        let (Some(key), encoded, None) = (parts.next(), parts.next(), parts.next()) else { return None };
        if key.is_empty() || !is_sendable {
            return None;
        }
        let encoded = encoded.filter(|encoded| !encoded.is_empty());
        // The whole of it is what the server knows as the key.
        let secret = Secret(if encoded.is_some() { text } else { key }.to_owned());
        Some(ApiKey { secret, base_url: encoded.and_then(base_url) })
    }
}

fn base_url(encoded: &str) -> Option<String> {
    let encoded = encoded.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(encoded).or_else(|_| URL_SAFE_NO_PAD.decode(encoded)).ok()?;
    let said: Value = serde_json::from_slice(&bytes).ok()?;
    said.get("baseUrl")?.as_str().map(str::to_owned).filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_key_may_carry_an_address_and_is_sent_whole() {
        let encoded = STANDARD.encode(r#"{"baseUrl":"https://comet.example.com/"}"#);
        for encoded in [encoded.as_str(), encoded.trim_end_matches('=')] {
            let text = format!("0123456789abcdefghijABCDE*{encoded}");
            let key = ApiKey::parse(&text).unwrap();
            assert_eq!(key.base_url.as_deref(), Some("https://comet.example.com/"));
            assert_eq!(key.secret.0, text);
        }
    }

    #[test]
    fn stars_without_sense_and_unreadable_addresses() {
        assert_eq!(ApiKey::parse("abc*").unwrap(), ApiKey { secret: Secret("abc".into()), base_url: None });
        assert_eq!(ApiKey::parse("abc*x*y"), None);
        assert_eq!(ApiKey::parse(""), None);
        assert_eq!(ApiKey::parse("*abc"), None);
        assert_eq!(ApiKey::parse("a\nb"), None);
        let odd = ApiKey::parse("abc*%%%").unwrap();
        assert_eq!((odd.secret.0.as_str(), odd.base_url), ("abc*%%%", None));
    }

    #[test]
    fn it_is_not_shown() {
        assert!(!format!("{:?}", ApiKey::parse("abcdef").unwrap()).contains("abc"));
    }
}
