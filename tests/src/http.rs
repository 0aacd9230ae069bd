//! An HTTP client for tests: one request on one plain connection, nothing hidden.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request that can be as wrong as a test wants it.
#[derive(Debug, Clone)]
pub struct Request {
    line: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// `200`.
    pub status: u16,
    /// Names in lower case, in the order of the response.
    pub headers: Vec<(String, String)>,
    /// All that came after the head, up to the end of the connection.
    pub body: String,
}

impl Request {
    /// A request by HTTP/1.1, without a header but `Host: localhost`.
    pub fn new(method: &str, path: &str) -> Request {
        let host = ("Host".to_owned(), "localhost".to_owned());
        Request { line: format!("{method} {path} HTTP/1.1"), headers: vec![host] }
    }

    /// Puts another host, or several, or none, in place of `localhost`.
    pub fn hosts(mut self, hosts: &[&str]) -> Request {
        self.headers.retain(|(name, _)| name != "Host");
        self.headers.extend(hosts.iter().map(|host| ("Host".to_owned(), host.to_string())));
        self
    }

    /// By HTTP/1.0, which has no chunks.
    pub fn http_1_0(mut self) -> Request {
        self.line = self.line.replace("HTTP/1.1", "HTTP/1.0");
        self
    }

    /// Sends it and reads until the connection ends, for 30 seconds at most.
    pub fn send(&self, address: SocketAddr) -> io::Result<Response> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        stream.write_all(format!("{}\r\n{headers}Connection: close\r\n\r\n", self.line).as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Response::parse(&text).ok_or_else(|| io::Error::other(format!("no HTTP response: {text:?}")))
    }
}

impl Response {
    fn parse(text: &str) -> Option<Response> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.map(header).collect::<Option<_>>()?;
        Some(Response { status, headers, body: body.to_owned() })
    }

    /// The value of the header of this name, in lower case, which occurs once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str()).filter(|_| values.next().is_none())
    }
}

/// Asks for a path, and wants 200.
pub fn get(address: SocketAddr, path: &str) -> Response {
    let response = Request::new("GET", path).send(address).unwrap_or_else(|error| panic!("GET {path}: {error}"));
    assert_eq!(response.status, 200, "GET {path}: {response:?}");
    response
}
