//! Where the endpoint is published for Prometheus to find it.

use crate::config::{Builder, Setting, Variables};
use crate::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the builder was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    place: Option<PathBuf>,
    host: Option<String>,
}

impl Builder {
    /// `TELEMETRY_SD_FILE`: publishes the endpoint for Prometheus' `file_sd_configs`, as long as the program runs. A path that ends in `.json` is one file
    /// for all programs that name it; any other is a directory, in which each process has a file of its own. See `docs/pushing.md`.
    ///
    /// A port that is taken is then no obstacle: the endpoint listens on a free one.
    pub fn sd_file(mut self, path: impl AsRef<Path>) -> Builder {
        self.discovery.place = Some(path.as_ref().to_owned());
        self
    }

    /// `TELEMETRY_SD_HOST`: the host under which Prometheus reaches the endpoint, where that is not the address at which it listens. An endpoint on
    /// all addresses (`0.0.0.0`) is published under the machine's name otherwise.
    pub fn sd_host(mut self, host: impl Into<String>) -> Builder {
        self.discovery.host = Some(host.into());
        self
    }
}

/// Where the endpoint is published, and under which host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) place: PathBuf,
    pub(crate) host: Option<String>,
}

impl Given {
    /// Puts what the builder was told over what the environment holds.
    pub(super) fn publication(
        self,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
    ) -> Result<Option<Publication>, Error> {
        let host = match self.host {
            Some(host) => Some(HOST.parse("Builder::sd_host", &host)?),
            None => variables.read(&HOST)?,
        };
        let place = match self.place {
            Some(place) => Some(place),
            None => variables.read(&PLACE)?.map(PathBuf::from),
        };
        // A program that changes its folder later still knows its entry.
        Ok(place.map(|place| Publication { place: std::path::absolute(&place).unwrap_or(place), host }))
    }
}

const PLACE: Setting<String> = Setting {
    variable: "TELEMETRY_SD_FILE",
    takes: r#"a directory such as "/run/telemetry", or a file that ends in ".json""#,
    parse: |value| Some(value.to_owned()),
};

const HOST: Setting<String> = Setting {
    variable: "TELEMETRY_SD_HOST",
    takes: r#"a host name or an IP address without a port, such as "db1.example.com""#,
    parse: |value| {
        // An IPv6 address is put into brackets later.
        let is_address = value.parse::<std::net::IpAddr>().is_ok();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_name = !value.is_empty() && value.bytes().all(allowed);
        (is_address || is_name).then(|| value.to_owned())
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::builder;

    fn publication(builder: Builder, variables: &[(&str, &str)]) -> Result<Option<Publication>, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        builder.config(value).map(|config| config.discovery).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_published_unless_a_place_is_named() {
        assert_eq!(publication(builder(), &[("TELEMETRY_SD_HOST", "db1")]), Ok(None));
        let named = publication(builder(), &[("TELEMETRY_SD_FILE", "/run/sd"), ("TELEMETRY_SD_HOST", "::1")]);
        assert_eq!(named, Ok(Some(Publication { place: "/run/sd".into(), host: Some("::1".into()) })));
        let by_code = publication(builder().sd_file("a.json").sd_host("h"), &[("TELEMETRY_SD_FILE", "/run/sd")]);
        let place = std::env::current_dir().unwrap().join("a.json");
        assert_eq!(by_code, Ok(Some(Publication { place, host: Some("h".into()) })), "of the folder of the start");
    }

    #[test]
    fn a_host_has_no_port_and_no_scheme() {
        for host in ["db1:9100", "http://db1", "", "a b", "[::1]"] {
            let refused = publication(builder().sd_host(host), &[]).unwrap_err();
            assert!(refused.starts_with(&format!("Builder::sd_host is {host:?}; it takes a host name")), "{refused}");
        }
    }
}
