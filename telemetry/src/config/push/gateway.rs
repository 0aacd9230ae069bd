//! What a program says of its Pushgateway.

use super::access::Endpoint;
use super::receiver::{self, Access, Names};
use super::{is_label_name, text};
use crate::config::{Setting, Variables, attribute};
use crate::error::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// A Pushgateway, and the group of it that this program fills. Made of its URL, as a text or with [`Pushgateway::new`].
///
/// ```
/// use telemetry::Pushgateway;
///
/// let gateway = Pushgateway::new("http://127.0.0.1:9091").job("nightly").grouping("shard", "3").delete_at_exit(true);
/// let builder = telemetry::builder().pushgateway(gateway);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is pushed before the builder has it, and `init`"]
pub struct Pushgateway {
    access: Access,
    job: Option<String>,
    grouping: Vec<(String, String)>,
    replaces: Option<bool>,
    delete_at_exit: Option<bool>,
}

impl From<&str> for Pushgateway {
    fn from(url: &str) -> Pushgateway {
        Pushgateway::new(url)
    }
}

impl From<String> for Pushgateway {
    fn from(url: String) -> Pushgateway {
        Pushgateway::new(&url)
    }
}

impl Pushgateway {
    /// The Pushgateway at this URL, without `/metrics/job/…`: `http://127.0.0.1:9091`, `https://user:password@host/prefix`.
    pub fn new(url: &str) -> Pushgateway {
        Pushgateway { access: Access::to(url), ..Pushgateway::default() }
    }

    /// `TELEMETRY_PUSHGATEWAY_JOB`: the label `job` of the group; the service's name by default.
    pub fn job(mut self, job: impl Into<String>) -> Pushgateway {
        self.job = Some(job.into());
        self
    }

    /// `TELEMETRY_PUSHGATEWAY_GROUPING`: one more label of the group. Each distinct set of labels is a group of its own, which stays until it
    /// is deleted: a label that is new with each run, such as a process id, fills the gateway.
    pub fn grouping(mut self, label: impl Into<String>, value: impl Into<String>) -> Pushgateway {
        self.grouping.push((label.into(), value.into()));
        self
    }

    /// `TELEMETRY_PUSHGATEWAY_METHOD`: whether a push replaces the whole group (`put`, the default) or families of the same names alone (`post`).
    pub fn replace_group(mut self, replace: bool) -> Pushgateway {
        self.replaces = Some(replace);
        self
    }

    /// `TELEMETRY_PUSHGATEWAY_AT_EXIT`: whether the group is deleted when the program ends (`delete`), in place of a last push (`keep`, the
    /// default).
    pub fn delete_at_exit(mut self, delete: bool) -> Pushgateway {
        self.delete_at_exit = Some(delete);
        self
    }

    /// User and password; wins over those in the URL.
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<String>) -> Pushgateway {
        self.access.basic_auth(user.into(), password.into());
        self
    }

    /// `TELEMETRY_PUSHGATEWAY_TOKEN`: a bearer token.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Pushgateway {
        self.access.bearer_token(token.into());
        self
    }

    /// `TELEMETRY_PUSHGATEWAY_HEADERS`: one more header of every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Pushgateway {
        self.access.header(name.into(), value.into());
        self
    }
}

/// Where and under which labels to push.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gateway {
    pub(crate) endpoint: Endpoint,
    /// Not empty.
    pub(crate) job: String,
    pub(crate) grouping: BTreeMap<String, String>,
    pub(crate) replaces: bool,
    pub(crate) delete_at_exit: bool,
}

impl Gateway {
    /// Puts what the builder was told over what the environment holds.
    pub(super) fn read(
        given: Option<Pushgateway>,
        service: &str,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
    ) -> Result<Option<Gateway>, Error> {
        let given = given.unwrap_or_default();
        let Some(endpoint) = receiver::endpoint(given.access, &NAMES, variables)? else { return Ok(None) };
        let job = match given.job {
            Some(job) => JOB.parse("Pushgateway::job", &job)?,
            None => variables.read(&JOB)?.unwrap_or_else(|| service.to_owned()),
        };
        let mut grouping = variables.read(&GROUPING)?.unwrap_or_default();
        for (label, value) in given.grouping {
            if !is_grouping_label(&label) {
                return Err(Error::Setting { name: "Pushgateway::grouping", value: label, takes: GROUPING_LABEL });
            }
            grouping.insert(label, value);
        }
        let replaces = match given.replaces {
            Some(replaces) => replaces,
            None => variables.read(&METHOD)?.unwrap_or(true),
        };
        let delete_at_exit = match given.delete_at_exit {
            Some(delete) => delete,
            None => variables.read(&AT_EXIT)?.unwrap_or(false),
        };
        Ok(Some(Gateway { endpoint, job, grouping, replaces, delete_at_exit }))
    }
}

const NAMES: Names = Names {
    url: text("TELEMETRY_PUSHGATEWAY"),
    token: text("TELEMETRY_PUSHGATEWAY_TOKEN"),
    headers: text("TELEMETRY_PUSHGATEWAY_HEADERS"),
    method: "Builder::pushgateway",
};

const JOB: Setting<String> = Setting {
    variable: "TELEMETRY_PUSHGATEWAY_JOB",
    takes: "a name",
    parse: |value| (!value.is_empty()).then(|| value.to_owned()),
};

const GROUPING_LABEL: &str =
    "a label name that does not start with `__`, such as \"shard\", other than `job`, `le` and `quantile`";

const GROUPING: Setting<BTreeMap<String, String>> = Setting {
    variable: "TELEMETRY_PUSHGATEWAY_GROUPING",
    takes: r#"pairs such as "shard=3,region=eu", of labels other than `job`, `le` and `quantile`, with "%2C" for a comma in a value"#,
    parse: |value| {
        let pairs = value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        pairs.map(|pair| attribute(pair).filter(|(label, _)| is_grouping_label(label))).collect()
    },
};

const METHOD: Setting<bool> = Setting {
    variable: "TELEMETRY_PUSHGATEWAY_METHOD",
    takes: r#""put" or "post""#,
    parse: |value| match value {
        "put" => Some(true),
        "post" => Some(false),
        _ => None,
    },
};

const AT_EXIT: Setting<bool> = Setting {
    variable: "TELEMETRY_PUSHGATEWAY_AT_EXIT",
    takes: r#""keep" or "delete""#,
    parse: |value| match value {
        "keep" => Some(false),
        "delete" => Some(true),
        _ => None,
    },
};

fn is_grouping_label(label: &str) -> bool {
    label != "job" && is_label_name(label)
}
