//! The name by which we are asked. A page in the browser of whoever runs this program can give its own name our address, and read what we
//! answer as if it were its own (DNS rebinding). Such requests bear that page's name, so what a browser shows is shown to known names alone.

use crate::config::server::Hosts;
use hyper::header::HOST;
use hyper::{HeaderMap, Uri, Version};
use std::net::IpAddr;

/// The names of a request: that of its `Host` header and that of its target, as far as it has them.
pub(super) struct Names<'a>(Vec<Name<'a>>);

#[derive(Debug, PartialEq)]
enum Name<'a> {
    Address(IpAddr),
    Domain(&'a str),
}

impl<'a> Names<'a> {
    /// The names, or why the request is a bad one.
    pub(super) fn of(headers: &'a HeaderMap, uri: &'a Uri, version: Version) -> Result<Names<'a>, &'static str> {
        let mut hosts = headers.get_all(HOST).iter();
        let header = hosts.next();
        let missing = header.is_none() && version >= Version::HTTP_11;
        if missing || hosts.next().is_some() {
            return Err("a request needs one Host header\n");
        }
        let header = header.map(|host| host.to_str().unwrap_or_default());
        // Where the target has a name, that counts; the header is sent by the same client, and must be fine too.
        let names = header.into_iter().chain(uri.authority().map(|authority| authority.as_str())).map(parse);
        names.collect::<Option<_>>().map(Names).ok_or("the Host header cannot be read\n")
    }

    /// Whether all of them are this machine's own or allowed ones, and there is one. `reached` is the address at which the request came in: nobody can
    /// give that another meaning.
    pub(super) fn are_known(&self, allowed: &Hosts, reached: Option<IpAddr>) -> bool {
        let Hosts::Named(allowed) = allowed else { return true };
        let is_known = |name: &Name<'_>| match name {
            Name::Address(address) => {
                let address = address.to_canonical();
                let is = |other: &IpAddr| other.to_canonical() == address;
                address.is_loopback()
                    || reached.as_ref().is_some_and(is)
                    || allowed.iter().filter_map(|allowed| allowed.parse().ok()).any(|allowed| is(&allowed))
            }
            Name::Domain(domain) => {
                // The same name, said to be whole.
                let domain = domain.strip_suffix('.').unwrap_or(domain);
                let is = |known: &str| known.strip_suffix('.').unwrap_or(known).eq_ignore_ascii_case(domain);
                is("localhost") || allowed.iter().any(|allowed| is(allowed))
            }
        };
        !self.0.is_empty() && self.0.iter().all(is_known)
    }
}

/// A host as RFC 9110 (section 7.2) and RFC 3986 (section 3.2.2) have it: a name or an address, perhaps with a port. No user in front.
fn parse(host: &str) -> Option<Name<'_>> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (Name::Address(address.parse::<std::net::Ipv6Addr>().ok()?.into()), port)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_of) {
                return None;
            }
            (name.parse().map_or(Name::Domain(name), Name::Address), port)
        }
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = port.is_empty()
        || port == ":"
        || digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    // What follows a bracket is a port, and begins with a colon.
    (is_port && (port.is_empty() || port.starts_with(':'))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(host: &str, allowed: &[&str], reached: Option<&str>) -> Option<bool> {
        let allowed = Hosts::Named(allowed.iter().map(|host| host.to_string()).collect());
        let names = Names(vec![parse(host)?]);
        Some(names.are_known(&allowed, reached.map(|address| address.parse().unwrap())))
    }

    #[test]
    fn only_this_machines_names_are_known_by_themselves() {
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:80",
            "[::ffff:127.0.0.1]",
            "localhost:",
        ] {
            assert_eq!(known(host, &[], None), Some(true), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.168.1.5",
            "0.0.0.0",
            "[::2]",
            "2130706433",
            "%6cocalhost",
        ] {
            assert_eq!(known(host, &[], None), Some(false), "{host}");
        }
    }

    #[test]
    fn what_is_allowed_or_was_reached_is_known_too() {
        assert_eq!(known("Metrics.example:80", &["metrics.example"], None), Some(true));
        assert_eq!(known("metrics.example.", &["metrics.example"], None), Some(true));
        assert_eq!(known("x.metrics.example", &["metrics.example"], None), Some(false));
        assert_eq!(known("[fe80::0:1]", &["fe80::1"], None), Some(true));
        assert_eq!(known("192.168.1.5:9100", &[], Some("192.168.1.5")), Some(true));
        assert_eq!(known("192.168.1.5", &[], Some("::ffff:192.168.1.5")), Some(true));
        assert_eq!(known("192.168.1.6", &[], Some("192.168.1.5")), Some(false));
        assert!(Names(vec![Name::Domain("evil.example")]).are_known(&Hosts::Any, None));
        assert!(!Names(Vec::new()).are_known(&Hosts::default(), None), "no name is none that is known");
    }

    #[test]
    fn what_is_no_host_is_none() {
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "a@b",
            "user@localhost",
            "localhost:x",
            "localhost:70000",
            "localhost:80:80",
            "localhost:-1",
            "localhost:+1",
            ":80",
            "::1",
            "[::1",
            "[::1]80",
            "[localhost]",
            "[127.0.0.1]",
            "localhost\\",
            "<b>",
            "a\"b",
            "[::1%25eth0]",
        ] {
            assert_eq!(parse(host), None, "{host:?}");
        }
    }
}
