//! Requests by chance: good ones, with bytes changed, cut out, doubled and put in. Seeded, so that what fails fails again.

use super::*;
use std::net::Shutdown;

const SEEDS: &[&str] = &[
    "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: [::1]:8000\r\nAccept-Encoding: gzip;q=1.0, identity; q=0.5, *;q=0\r\nAuthorization: Bearer abc\r\n\r\n",
    "HEAD /api/snapshot HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
    "POST /healthz HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    "PUT //metrics/../%2e?a=b#c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET http://localhost/api/catalog HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "GET /metrics/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc\r\n\r\n",
    "GET /api/snapshot?a=1&b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc\r\nAccept-Encoding: gzip, identity;q=0\r\nAccept-Encoding: br\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
];

/// What breaks parsers as a rule.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"\t",
    b";q=",
    b"q=1e99",
    b",",
    b"%",
    b"%00",
    b"..",
    b"//",
    b"\xff\xfe",
    b"\xc3\x28",
    b"HTTP/9.9",
    b"Host: a\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 18446744073709551616\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b" folded\r\n",
    b"Accept-Encoding: *;q=0\r\n",
    b"Authorization: Bearer \r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01",
];

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }
}

fn request(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = SEEDS[chance.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..chance.below(6) {
        let at = chance.below(bytes.len());
        let until = (at + chance.below(20)).min(bytes.len());
        match chance.below(6) {
            0 => drop(bytes.drain(at..until)),
            1 => bytes.insert(at, chance.next().to_le_bytes()[0]),
            2 => {
                let piece = PIECES[chance.below(PIECES.len())];
                drop(bytes.splice(at..at, piece.iter().copied()));
            }
            3 => {
                let part = bytes[at..until].to_vec();
                let part = part.repeat(1 + chance.below(200));
                drop(bytes.splice(at..at, part));
            }
            4 => bytes.truncate(at),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
        }
    }
    bytes
}

/// Answers come in HTTP and with a status, or not at all, and nothing ends the endpoint.
pub(super) fn run() {
    const REQUESTS: usize = 4_000;
    let auth = Auth { token: Some(Secret("abc".into())), basic: Some(Secret("Aladdin:open sesame".into())) };
    let server = start_with(&Settings { auth, ..Settings::default() }, || long(100));
    let mut statuses = std::collections::BTreeMap::<Option<u16>, usize>::new();
    for number in 0..REQUESTS {
        let mut chance = Chance(number as u64);
        let sent = request(&mut chance);
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // It may have been refused before its end.
        let _ = stream.write_all(&sent).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut response = Vec::new();
        let read = stream.read_to_end(&mut response);
        let shown = || {
            format!(
                "request {number}: {:?}\nanswer: {:?}",
                String::from_utf8_lossy(&sent),
                String::from_utf8_lossy(&response)
            )
        };
        assert!(!read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "no end: {}", shown());
        let status = response
            .get(9..12)
            .map(|digits| String::from_utf8_lossy(digits).parse().unwrap_or_else(|_| panic!("{}", shown())));
        assert!(response.is_empty() || response.starts_with(b"HTTP/1."), "{}", shown());
        assert!(!matches!(status, Some(500..)), "{}", shown());
        *statuses.entry(status).or_default() += 1;
    }
    // It was not the same refusal every time.
    for status in [200, 400, 401, 404, 405] {
        assert!(statuses.get(&Some(status)).is_some_and(|count| *count > 10), "{status}: {statuses:?}");
    }
    let (head, _) = get(&server, "GET", "/metrics", "Authorization: Bearer abc\r\n");
    assert!(head.starts_with("http/1.1 200"), "{head}");
}
