//! How a body is coded on its way: as the client says in `Accept-Encoding`, by RFC 9110, section 12.5.3.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Coding {
    Identity,
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Those that we have, the one that we would take first.
const CODINGS: &[Coding] = &[
    #[cfg(feature = "zstd")]
    Coding::Zstd,
    Coding::Gzip,
    Coding::Identity,
];

/// What is smaller is one packet, compressed or not: 1,500 bytes less the heads of all layers and our own.
const LEAST: usize = 1_000;

/// Expositions repeat themselves so much that little effort makes them 15 times smaller, and three times as much 22 times: see `docs/server.md`.
const GZIP_LEVEL: u32 = 1;
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 1;

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Accepted {
    pub(super) best: Coding,
    /// Whether it also takes what is not coded.
    identity: bool,
}

impl Accepted {
    /// The best of what the client takes; `None` where it takes nothing that we have. Without a header it gets what every client understands.
    pub(super) fn negotiate(header: Option<&str>) -> Option<Accepted> {
        let Some(header) = header else { return Some(Accepted { best: Coding::Identity, identity: true }) };
        let asked: Vec<_> = header.split(',').filter_map(item).collect();
        let weight = |coding: Coding| {
            let said = asked.iter().find(|(name, _)| coding.is_called(name));
            let said = said.or_else(|| asked.iter().find(|(name, _)| *name == "*"));
            match said {
                Some(&(_, weight)) => weight,
                // Not coded is fine unless refused, but who names a coding would rather have that.
                None if coding == Coding::Identity => f32::MIN_POSITIVE,
                None => 0.0,
            }
        };
        // The first of those with the most weight.
        let mut best: Option<(Coding, f32)> = None;
        for &coding in CODINGS {
            let weight = weight(coding);
            if weight > best.map_or(0.0, |(_, weight)| weight) {
                best = Some((coding, weight));
            }
        }
        best.map(|(best, _)| Accepted { best, identity: weight(Coding::Identity) > 0.0 })
    }

    /// Whether gzip is among what a client takes.
    pub(super) fn takes_gzip(header: Option<&str>) -> bool {
        let mut asked = header.unwrap_or_default().split(',').filter_map(item);
        asked.any(|(name, weight)| Coding::Gzip.is_called(name) && weight > 0.0)
    }

    /// What a body of this length gets.
    pub(super) fn for_length(self, length: usize) -> Coding {
        if length < LEAST && self.identity { Coding::Identity } else { self.best }
    }
}

/// `gzip;q=0.5`. What cannot be read asks for nothing.
fn item(item: &str) -> Option<(&str, f32)> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = match parts.next() {
        None => 1.0,
        Some(weight) => {
            let (q, value) = weight.split_once('=')?;
            let value = value.trim();
            let is_weight =
                q.trim().eq_ignore_ascii_case("q") && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            value.parse().ok().filter(|weight| is_weight && (0.0..=1.0).contains(weight))?
        }
    };
    Some((name, weight))
}

impl Coding {
    fn is_called(self, name: &str) -> bool {
        let also = if self == Coding::Gzip { "x-gzip" } else { "" };
        name.eq_ignore_ascii_case(self.name().unwrap_or("identity")) || name.eq_ignore_ascii_case(also)
    }

    /// The value of `Content-Encoding`, where there is one.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Some("zstd"),
        }
    }

    /// The body in this coding.
    pub(super) fn encode(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Coding::Identity => Ok(body.to_vec()),
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::new(GZIP_LEVEL));
                encoder.write_all(body)?;
                encoder.finish()
            }
            #[cfg(feature = "zstd")]
            Coding::Zstd => zstd::encode_all(body, ZSTD_LEVEL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn best(header: &str) -> Option<Coding> {
        Accepted::negotiate(Some(header)).map(|accepted| accepted.best)
    }

    #[test]
    fn weights_decide_and_identity_is_fine_unless_refused() {
        use Coding::{Gzip, Identity};
        assert_eq!(Accepted::negotiate(None).map(|accepted| accepted.best), Some(Identity));
        for (header, expected) in [
            ("gzip", Some(Gzip)),
            ("GZIP", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            (" gzip ; q=0.5 , deflate", Some(Gzip)),
            ("deflate, br", Some(Identity)),
            ("", Some(Identity)),
            ("identity", Some(Identity)),
            ("gzip;q=0", Some(Identity)),
            ("identity;q=0.5, gzip;q=0.4", Some(Identity)),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
            ("gzip;q=0.001", Some(Gzip)),
            ("*;q=0, gzip", Some(Gzip)),
            ("gzip, *;q=0", Some(Gzip)),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("br, identity;q=0", None),
            ("gzip;q=0, identity;q=0.000", None),
            ("gzip;q=2, identity;q=x", Some(Identity)),
            ("gzip;q=NaN", Some(Identity)),
            ("gzip;level=9", Some(Identity)),
            (",,;;=,q=1", Some(Identity)),
        ] {
            assert_eq!(best(header), expected, "{header:?}");
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstd_is_taken_first_and_reads_back() {
        for header in ["gzip, zstd", "gzip, deflate, br, zstd", "*", "*;q=0.1, identity;q=0.05"] {
            assert_eq!(best(header), Some(Coding::Zstd), "{header}");
        }
        assert_eq!(best("zstd;q=0.5, gzip;q=0.6"), Some(Coding::Gzip));
        let body = b"rows_read_total 1\n".repeat(1_000);
        assert_eq!(zstd::decode_all(&Coding::Zstd.encode(&body).unwrap()[..]).unwrap(), body);
    }

    #[test]
    fn what_is_small_is_not_compressed_unless_it_must_be() {
        let gzip = Accepted::negotiate(Some("gzip")).unwrap();
        assert_eq!((gzip.for_length(LEAST - 1), gzip.for_length(LEAST)), (Coding::Identity, Coding::Gzip));
        let only = Accepted::negotiate(Some("gzip, identity;q=0")).unwrap();
        assert_eq!(only.for_length(0), Coding::Gzip);
    }

    #[test]
    fn gzip_reads_back() {
        let body = b"rows_read_total 1\n".repeat(1_000);
        for body in [&b""[..], &body] {
            let coded = Coding::Gzip.encode(body).unwrap();
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&coded[..]).read_to_end(&mut read).unwrap();
            assert_eq!(read, body);
        }
    }
}
