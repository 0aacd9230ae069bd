//! Who asks: whether a request knows the token, or the name and the password.

use crate::config::server::Auth;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use subtle::{Choice, ConstantTimeEq};

/// What a request has to say of itself.
pub(super) struct Credentials {
    /// What comes after `Bearer`.
    token: Option<Vec<u8>>,
    /// What comes after `Basic`: the name, a colon and the password, in base 64.
    basic: Option<Vec<u8>>,
    /// What may be used, for who did not.
    challenges: Vec<HeaderValue>,
}

impl Credentials {
    pub(super) fn new(auth: &Auth) -> Credentials {
        let mut challenges = Vec::new();
        if auth.token.is_some() {
            challenges.push(HeaderValue::from_static("Bearer realm=\"telemetry\""));
        }
        if auth.basic.is_some() {
            challenges.push(HeaderValue::from_static("Basic realm=\"telemetry\", charset=\"UTF-8\""));
        }
        Credentials {
            token: auth.token.as_ref().map(|token| token.0.clone().into_bytes()),
            basic: auth.basic.as_ref().map(|basic| base64(basic.0.as_bytes())),
            challenges,
        }
    }

    /// Whether the request may be answered. How long this takes tells nothing of the secrets but their lengths.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        if self.challenges.is_empty() {
            return true;
        }
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else { return false };
        let value = value.as_bytes();
        let Some(space) = value.iter().position(|byte| *byte == b' ') else { return false };
        let (scheme, rest) = value.split_at(space);
        let secret = rest.trim_ascii();
        let is = |known: &Option<Vec<u8>>, name: &str| {
            let known = known.as_ref().filter(|_| scheme.eq_ignore_ascii_case(name.as_bytes()));
            known.map_or(Choice::from(0), |known| known.ct_eq(secret))
        };
        (is(&self.token, "Bearer") | is(&self.basic, "Basic")).into()
    }

    /// Whether a browser is to ask its user for a name and a password.
    pub(super) fn has_password(&self) -> bool {
        self.basic.is_some()
    }

    pub(super) fn challenges(&self) -> &[HeaderValue] {
        &self.challenges
    }
}

/// RFC 4648, section 4. What is known is encoded once, rather than each request's decoded.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = usize::try_from(group >> (18 - 6 * place) & 63).unwrap_or(0);
            text.push(if place <= chunk.len() { DIGITS.get(digit).copied().unwrap_or(b'=') } else { b'=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::server::Secret;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text.as_bytes());
        }
        assert_eq!(base64("Aladdin:open sesame".as_bytes()), b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(base64(&[0xFB, 0xFF]), b"+/8=");
    }

    #[test]
    fn either_secret_admits_and_nothing_else() {
        let auth = Auth { token: Some(Secret("abc".into())), basic: Some(Secret("Aladdin:open sesame".into())) };
        let both = Credentials::new(&auth);
        for value in ["Bearer abc", "bearer abc", "Bearer  abc ", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="] {
            assert!(both.admit(&headers(&[value])), "{value}");
        }
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer ab",
            "Bearer abcd",
            "Bearer ABC",
            "Basic abc",
            "abc",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
        ] {
            assert!(!both.admit(&headers(&[value])), "{value}");
        }
        assert!(!both.admit(&headers(&["Bearer abc", "Bearer abc"])), "twice is not once");
        assert!(!both.admit(&headers(&[])));
        assert_eq!(both.challenges().len(), 2);
        assert!(Credentials::new(&Auth::default()).admit(&headers(&[])));
    }
}
