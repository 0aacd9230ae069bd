//! What the endpoint is told besides its address: who may ask, by which name, over what, and whether a program may go on without it.
//!
//! What is secret is never shown: not by `Debug`, and not in the message about a value that cannot be read.

use super::{Builder, HIDDEN, Setting, Variables, hide};
use crate::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What the builder was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    token: Option<Secret>,
    basic_auth: Option<Secret>,
    allowed_hosts: Option<String>,
    tls: Option<(PathBuf, PathBuf)>,
    strict: Option<bool>,
}

impl Builder {
    /// `TELEMETRY_TOKEN`: who asks the endpoint for anything but `/healthz` sends `Authorization: Bearer` with this token, else gets 401.
    /// Letters, digits and `-._~+/`, with `=` at the end. It crosses the network as it is, unless there is [TLS](Builder::tls).
    pub fn token(mut self, token: impl Into<String>) -> Builder {
        self.server.token = Some(Secret(token.into()));
        self
    }

    /// `TELEMETRY_BASIC_AUTH`, as `user:password`: as [`token`](Builder::token), for browsers, which can ask for a name and a password. Where both are
    /// set, either will do.
    pub fn basic_auth(mut self, user: &str, password: &str) -> Builder {
        // A colon would end the name early.
        let user = user.replace(':', "\0");
        self.server.basic_auth = Some(Secret(format!("{user}:{password}")));
        self
    }

    /// `TELEMETRY_ALLOWED_HOSTS`, separated by commas: names besides this machine's own by which a browser may ask for the page and its JSON,
    /// or `*` for any. A page of somebody else's could otherwise give its own name our address, and read them (DNS rebinding). `/metrics` and `/healthz` go by
    /// any name.
    pub fn allowed_hosts<H: fmt::Display>(mut self, hosts: impl IntoIterator<Item = H>) -> Builder {
        let hosts: Vec<_> = hosts.into_iter().map(|host| host.to_string()).collect();
        self.server.allowed_hosts = Some(hosts.join(","));
        self
    }

    /// `TELEMETRY_TLS_CERT` and `TELEMETRY_TLS_KEY`: the endpoint speaks TLS with this certificate (with the chain above it) and this key,
    /// both as PEM files, read once. Needs the feature `tls`.
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Builder {
        self.server.tls = Some((certificate.into(), key.into()));
        self
    }

    /// `TELEMETRY_STRICT`, `on` or `off`: whether `init` fails where the endpoint cannot listen. By default it says so on standard error, and the program
    /// goes on without an endpoint.
    pub fn strict(mut self, strict: bool) -> Builder {
        self.server.strict = Some(strict);
        self
    }
}

/// All that the endpoint needs to know besides its address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Server {
    pub(crate) auth: Auth,
    pub(crate) hosts: Hosts,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) strict: bool,
}

/// Who may ask: who knows one of these, or anybody where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Auth {
    pub(crate) token: Option<Secret>,
    /// `user:password`.
    pub(crate) basic: Option<Secret>,
}

/// The names, besides this machine's own, by which the page may be asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Hosts {
    /// In lower case.
    Named(Vec<String>),
    Any,
}

/// Where the certificate and its key are, and which settings said so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: File,
    pub(crate) key: File,
}

/// A file, and the setting that names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    pub(crate) setting: &'static str,
    pub(crate) path: PathBuf,
}

/// Not to be shown.
#[derive(Clone, PartialEq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts::Named(Vec::new())
    }
}

impl Given {
    pub(super) fn config<F: Fn(&str) -> Option<OsString>>(self, variables: &Variables<F>) -> Result<Server, Error> {
        let token = match self.token {
            Some(Secret(given)) => Some(hide(TOKEN.parse("Builder::token", &given))?),
            None => variables.read_secret(&TOKEN)?,
        };
        let basic = match self.basic_auth {
            Some(Secret(given)) => Some(hide(BASIC_AUTH.parse("Builder::basic_auth", &given))?),
            None => variables.read_secret(&BASIC_AUTH)?,
        };
        let hosts = match self.allowed_hosts {
            Some(given) => ALLOWED_HOSTS.parse("Builder::allowed_hosts", &given)?,
            None => variables.read(&ALLOWED_HOSTS)?.unwrap_or_default(),
        };
        let strict = match self.strict {
            Some(given) => given,
            None => variables.read(&STRICT)?.unwrap_or(false),
        };
        let tls = match self.tls {
            Some((certificate, key)) => {
                let setting = "Builder::tls";
                Some((File { setting, path: certificate }, File { setting, path: key }))
            }
            None => {
                let certificate = variables.read(&TLS_CERT)?.map(|path| File { setting: TLS_CERT.variable, path });
                let key = variables.read(&TLS_KEY)?.map(|path| File { setting: TLS_KEY.variable, path });
                match (certificate, key) {
                    (Some(certificate), Some(key)) => Some((certificate, key)),
                    (None, None) => None,
                    (Some(_), None) => return Err(missing(&TLS_KEY)),
                    (None, Some(_)) => return Err(missing(&TLS_CERT)),
                }
            }
        };
        let tls = tls.map(|(certificate, key)| TlsFiles { certificate, key });
        Ok(Server { auth: Auth { token, basic }, hosts, tls: tls.map(can_be_had).transpose()?, strict })
    }
}

/// A program that was told to speak TLS and cannot must not speak without.
fn can_be_had(files: TlsFiles) -> Result<TlsFiles, Error> {
    // Where telemetry is off, nothing speaks.
    if cfg!(any(feature = "tls", telemetry_off)) {
        return Ok(files);
    }
    let File { setting, path } = files.certificate;
    let takes = "a file in programs that are built with the feature \"tls\" of this library alone";
    Err(Error::Setting { name: setting, value: path.display().to_string(), takes })
}

fn missing(setting: &Setting<PathBuf>) -> Error {
    Error::Setting { name: setting.variable, value: String::new(), takes: setting.takes }
}

const TOKEN: Setting<Secret> = Setting {
    variable: "TELEMETRY_TOKEN",
    takes: r#"letters, digits and "-._~+/", with "=" at the end alone"#,
    // What a header can carry as a token: RFC 6750, section 2.1.
    parse: |value| {
        let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let token = value.trim_end_matches('=');
        (!token.is_empty() && token.bytes().all(is_of)).then(|| Secret(value.to_owned()))
    },
};

const BASIC_AUTH: Setting<Secret> = Setting {
    variable: "TELEMETRY_BASIC_AUTH",
    takes: "a name without a colon, a colon, and a password, without control characters",
    // RFC 7617, section 2.
    parse: |value| {
        let (user, password) = value.split_once(':')?;
        let is_fine = !user.is_empty() && !password.is_empty() && !value.chars().any(char::is_control);
        is_fine.then(|| Secret(value.to_owned()))
    },
};

const ALLOWED_HOSTS: Setting<Hosts> = Setting {
    variable: "TELEMETRY_ALLOWED_HOSTS",
    takes: r#"names or addresses without a port, such as "metrics.example.com, 192.168.1.5", or "*""#,
    parse: |value| match value {
        "*" => Some(Hosts::Any),
        _ => value.split(',').map(str::trim).map(host).collect::<Option<_>>().map(Hosts::Named),
    },
};

/// One name or address, as a browser sends it but for the brackets of an IPv6 address.
fn host(name: &str) -> Option<String> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = bare.parse::<std::net::IpAddr>() {
        return Some(address.to_string());
    }
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_of)).then(|| name.to_ascii_lowercase())
}

const TLS_CERT: Setting<PathBuf> = Setting {
    variable: "TELEMETRY_TLS_CERT",
    takes: "a PEM file with a certificate and the chain above it, beside TELEMETRY_TLS_KEY",
    parse: |value| Some(PathBuf::from(value)),
};

const TLS_KEY: Setting<PathBuf> = Setting {
    variable: "TELEMETRY_TLS_KEY",
    takes: "a PEM file with the key of the certificate, beside TELEMETRY_TLS_CERT",
    parse: |value| Some(PathBuf::from(value)),
};

const STRICT: Setting<bool> = Setting {
    variable: "TELEMETRY_STRICT",
    takes: r#""on" or "off""#,
    parse: |value| match value {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::builder;

    fn from(builder: Builder, variables: &[(&str, &str)]) -> Result<Server, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        builder.config(value).map(|config| config.server).map_err(|error| error.to_string())
    }

    fn read(variables: &[(&str, &str)]) -> Result<Server, String> {
        from(builder(), variables)
    }

    #[test]
    fn nothing_said_means_anybody_by_this_machines_names() {
        assert_eq!(read(&[]).unwrap(), Server::default());
        assert_eq!(Server::default().hosts, Hosts::Named(Vec::new()));
    }

    #[test]
    fn a_secret_that_is_set_to_nothing_does_not_let_everybody_in() {
        for variable in ["TELEMETRY_TOKEN", "TELEMETRY_BASIC_AUTH"] {
            assert!(read(&[(variable, "")]).unwrap_err().starts_with(&format!(r#"{variable} is "";"#)));
        }
    }

    #[test]
    fn secrets_are_shown_neither_in_messages_nor_by_debug() {
        let secret = "hunter2";
        let told = builder().token(secret).basic_auth("admin", secret);
        assert!(!format!("{told:?}").contains(secret), "{told:?}");
        let config = told.config(|_| None).unwrap();
        assert!(!format!("{config:?}").contains(secret), "{config:?}");
        for (name, value) in [("TELEMETRY_TOKEN", "hunter2 "), ("TELEMETRY_TOKEN", "hunter2\u{e9}")] {
            match read(&[(name, value)]) {
                Ok(read) => assert_eq!(
                    read.auth.token,
                    Some(Secret("hunter2".to_owned())),
                    "spaces around it are not part of it"
                ),
                Err(error) => {
                    assert!(error.starts_with("TELEMETRY_TOKEN is \"(not shown)\"; it takes letters"), "{error}")
                }
            }
        }
        let error = read(&[("TELEMETRY_BASIC_AUTH", secret)]).unwrap_err();
        assert!(error.starts_with("TELEMETRY_BASIC_AUTH is \"(not shown)\"; it takes a name"), "{error}");
        let error = from(builder().basic_auth("a:b", secret), &[]).unwrap_err();
        assert!(error.starts_with("Builder::basic_auth is \"(not shown)\""), "{error}");
        let error = from(builder().token(""), &[]).unwrap_err();
        assert!(error.starts_with("Builder::token is \"(not shown)\""), "{error}");
    }

    #[test]
    fn hosts_are_names_and_addresses_without_a_port() {
        let named = |hosts: &[&str]| Hosts::Named(hosts.iter().map(|host| host.to_string()).collect());
        for (value, expected) in [
            ("Metrics.Example.com, 192.168.1.5", named(&["metrics.example.com", "192.168.1.5"])),
            ("[FE80::0:1]", named(&["fe80::1"])),
            ("*", Hosts::Any),
        ] {
            assert_eq!(read(&[("TELEMETRY_ALLOWED_HOSTS", value)]).unwrap().hosts, expected, "{value}");
        }
        for value in ["a:80", "http://a", "a b", "a,,b", "*.a", "a/"] {
            assert!(read(&[("TELEMETRY_ALLOWED_HOSTS", value)]).is_err(), "{value}");
        }
        assert_eq!(from(builder().allowed_hosts(["a", "b"]), &[]).unwrap().hosts, named(&["a", "b"]));
    }

    #[test]
    fn strict_is_on_or_off() {
        assert!(read(&[("TELEMETRY_STRICT", "on")]).unwrap().strict);
        assert!(!from(builder().strict(false), &[("TELEMETRY_STRICT", "on")]).unwrap().strict);
        assert_eq!(
            read(&[("TELEMETRY_STRICT", "yes")]).unwrap_err(),
            r#"TELEMETRY_STRICT is "yes"; it takes "on" or "off""#
        );
    }

    #[test]
    fn a_certificate_without_its_key_is_an_error() {
        assert_eq!(
            read(&[("TELEMETRY_TLS_CERT", "cert.pem")]).unwrap_err(),
            r#"TELEMETRY_TLS_KEY is ""; it takes a PEM file with the key of the certificate, beside TELEMETRY_TLS_CERT"#
        );
        let error = read(&[("TELEMETRY_TLS_KEY", "key.pem")]).unwrap_err();
        assert!(error.starts_with(r#"TELEMETRY_TLS_CERT is "";"#), "{error}");
    }

    #[test]
    fn tls_is_refused_where_it_is_not_built_in() {
        let read = from(builder().tls("cert.pem", "key.pem"), &[]);
        if cfg!(any(feature = "tls", telemetry_off)) {
            assert_eq!(read.unwrap().tls.unwrap().key.path, PathBuf::from("key.pem"));
        } else {
            let error = read.unwrap_err();
            assert!(error.starts_with(r#"Builder::tls is "cert.pem"; it takes a file in programs that"#), "{error}");
        }
    }
}
