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
        Ok(place.map(|place| Publication { place, host }))
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
