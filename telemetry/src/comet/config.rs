//! What a run is told, and what follows from that and from Comet's settings.

use super::archive::About;
use super::error::Error;
use super::key::ApiKey;
use super::message;
use super::settings::{Said, Settings};
use super::wire::{Way, Wire, root};
use crate::config::push::Authorities;
use crate::config::push::access::{Secret, parse};
use crate::notice::say;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

const URL: &str = "https://www.comet.com/clientlib/";
const DIRECTORY: &str = ".cometml-runs";
const TAKES_KEY: &str = "an API key: letters and digits, with at most one star and an address behind it";
const TAKES_RUN: &str = "32 to 50 letters and digits";
const TAKES_URL: &str = "an http or https URL, such as \"https://comet.example.com/clientlib/\"";
const TAKES_MODE: &str = "\"create\", \"get\" or \"get_or_create\"";
const TAKES_SECONDS: &str = "a number of seconds above 0, such as \"10\"";
const TAKES_BOOL: &str = "\"true\" or \"false\"";
const TAKES_WHERE: &str = "\"auto\", \"offline\" or \"off\"";
const TAKES_PEM: &str = "the path of a PEM file with at least one certificate";
const TAKES_HEADER: &str = "the name of a header, with COMET_ALLOW_HEADER_VALUE, of visible ASCII characters";

/// Where a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// To the server where there is an API key, else into an archive.
    #[default]
    Auto,
    /// Into an archive, for `comet upload` or `telemetry comet upload`.
    Offline,
    /// Nowhere: everything can be logged, and nothing is kept.
    Off,
}

/// What is done about a run that the server has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartMode {
    /// There must be none.
    Create,
    /// There must be one, which goes on.
    Get,
    /// It goes on, or is created.
    #[default]
    GetOrCreate,
}

impl StartMode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            StartMode::Create => "create",
            StartMode::Get => "get",
            StartMode::GetOrCreate => "get_or_create",
        }
    }

    pub(super) fn parse(text: &str) -> Option<StartMode> {
        [StartMode::Create, StartMode::Get, StartMode::GetOrCreate].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// What a run is to be. What is not said here is as Comet's settings say: `COMET_API_KEY`, `COMET_WORKSPACE`, `COMET_PROJECT_NAME` and the others
/// in the environment, in `.env`, or in `.comet.config`.
///
/// ```
/// use std::time::Duration;
/// use telemetry::comet::{Config, Mode};
///
/// let config = Config::new().project("flights").name("first try").tag("rust").deadline(Duration::from_secs(5)).mode(Mode::Offline);
/// assert!(!format!("{:?}", config.api_key("0123456789abcdef")).contains("0123"));
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing begins before `Experiment::start`"]
pub struct Config {
    api_key: Option<String>,
    workspace: Option<String>,
    project: Option<String>,
    name: Option<String>,
    tags: Vec<String>,
    experiment_key: Option<String>,
    start_mode: Option<StartMode>,
    url: Option<String>,
    offline_directory: Option<PathBuf>,
    mode: Option<Mode>,
    deadline: Option<Duration>,
    recorded_every: Option<Duration>,
    system_every: Option<Duration>,
    code: Option<bool>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("workspace", &self.workspace)
            .field("project", &self.project)
            .field("name", &self.name)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Nothing said: all is as the settings have it.
    pub fn new() -> Config {
        Config::default()
    }

    /// `COMET_API_KEY`: the key, which may carry its server's address. It is shown nowhere.
    pub fn api_key(mut self, key: impl Into<String>) -> Config {
        self.api_key = Some(key.into());
        self
    }

    /// `COMET_WORKSPACE`: whose the run is; by default the account's own workspace.
    pub fn workspace(mut self, workspace: impl Into<String>) -> Config {
        self.workspace = Some(workspace.into());
        self
    }

    /// `COMET_PROJECT_NAME`: the project, which is made where there is none; `general` by default.
    pub fn project(mut self, project: impl Into<String>) -> Config {
        self.project = Some(project.into());
        self
    }

    /// `COMET_EXPERIMENT_NAME`: the run's name.
    pub fn name(mut self, name: impl Into<String>) -> Config {
        self.name = Some(name.into());
        self
    }

    /// One more tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Config {
        self.tags.push(tag.into());
        self
    }

    /// `COMET_EXPERIMENT_KEY`: the run's key, 32 to 50 letters and digits; by default one that nobody has.
    pub fn experiment_key(mut self, key: impl Into<String>) -> Config {
        self.experiment_key = Some(key.into());
        self
    }

    /// `COMET_START_MODE`: what is done about a run with that key that is there already. By default it goes on.
    pub fn start_mode(mut self, mode: StartMode) -> Config {
        self.start_mode = Some(mode);
        self
    }

    /// `COMET_URL_OVERRIDE`: the base of the client library's endpoints, `https://www.comet.com/clientlib/` by default.
    pub fn url(mut self, url: impl Into<String>) -> Config {
        self.url = Some(url.into());
        self
    }

    /// `COMET_OFFLINE_DIRECTORY`: the folder for archives, `.cometml-runs` by default.
    pub fn offline_directory(mut self, directory: impl Into<PathBuf>) -> Config {
        self.offline_directory = Some(directory.into());
        self
    }

    /// `TELEMETRY_COMET` (`auto`, `offline`, `off`): where the run goes.
    pub fn mode(mut self, mode: Mode) -> Config {
        self.mode = Some(mode);
        self
    }

    /// How long the end may take, 30 s by default. What the server has not confirmed by then is in an archive.
    pub fn deadline(mut self, deadline: Duration) -> Config {
        self.deadline = Some(deadline);
        self
    }

    /// How often what [`#[measured]`](macro@crate::measured) and [`metric!`](crate::metric!) record is logged as metrics, and once more at the end. By default, and at zero, it is not.
    pub fn recorded_every(mut self, period: Duration) -> Config {
        self.recorded_every = Some(period);
        self
    }

    /// How often the machine's and the program's CPU, memory and load are logged as metrics (`sys.…`), every 60 s by default; zero: never. Takes the feature `system`.
    pub fn system_every(mut self, period: Duration) -> Config {
        self.system_every = Some(period);
        self
    }

    /// Whether the commit, the program's file, its command and its machine are logged; by default they are.
    pub fn code(mut self, code: bool) -> Config {
        self.code = Some(code);
        self
    }
}

/// What follows for a run.
pub(super) struct Plan {
    pub(super) about: About,
    pub(super) name: Option<String>,
    /// `None`: into an archive.
    pub(super) wire: Option<Wire>,
    pub(super) directory: PathBuf,
    pub(super) deadline: Duration,
    pub(super) recorded_every: Option<Duration>,
    pub(super) system_every: Option<Duration>,
    pub(super) logs_code: bool,
    /// Whether SIGINT and SIGTERM end it before the program, where nobody else has taken them.
    pub(super) takes_signals: bool,
    /// Whether there was no key although one was looked for.
    pub(super) lacks_key: bool,
}

/// How long the end may take.
const DEADLINE: Duration = Duration::from_secs(30);
const SYSTEM_EVERY: Duration = Duration::from_secs(60);

impl Config {
    /// `None` where nothing is to be kept.
    pub(super) fn plan(self, settings: &Settings) -> Result<Option<Plan>, Error> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => match text(settings, "telemetry.comet")? {
                None => Mode::Auto,
                Some(said) => match said.value.as_str() {
                    "auto" => Mode::Auto,
                    "offline" => Mode::Offline,
                    "off" => Mode::Off,
                    other => return Err(Error::setting(&said.at, other, TAKES_WHERE)),
                },
            },
        };
        if mode == Mode::Off {
            return Ok(None);
        }
        let given = given(self.experiment_key, "experiment_key()", settings, "comet.experiment_key")?;
        if let Some(said) = &given
            && !is_run(&said.value)
        {
            return Err(Error::setting(&said.at, &said.value, TAKES_RUN));
        }
        let start_mode = match self.start_mode {
            Some(mode) => Some(mode),
            None => match text(settings, "comet.start_mode")? {
                None => None,
                Some(said) => Some(
                    StartMode::parse(&said.value).ok_or_else(|| Error::setting(&said.at, &said.value, TAKES_MODE))?,
                ),
            },
        };
        let about = About {
            is_given: given.is_some(),
            // A key that nobody has is of no run that is there.
            mode: start_mode.unwrap_or(if given.is_some() { StartMode::GetOrCreate } else { StartMode::Create }),
            key: given.map_or_else(message::id, |said| said.value),
            project: value(self.project, settings, "comet.project_name")?,
            workspace: value(self.workspace, settings, "comet.workspace")?,
            tags: self.tags.into_iter().filter(|tag| !tag.is_empty()).collect(),
            start: message::now(),
            stop: message::now(),
            error: None,
        };
        let mut wire = None;
        let mut lacks_key = false;
        if mode == Mode::Auto {
            wire = way(self.api_key, self.url, settings, &about.key)?.map(Wire::new);
            lacks_key = wire.is_none();
        }
        let directory = match self.offline_directory {
            Some(directory) => directory,
            None => value(None, settings, "comet.offline_directory")?.unwrap_or_else(|| DIRECTORY.to_owned()).into(),
        };
        Ok(Some(Plan {
            about,
            name: value(self.name, settings, "comet.experiment_name")?,
            wire,
            // The program may go elsewhere before it ends.
            directory: std::path::absolute(&directory).unwrap_or(directory),
            // A day is as good as for ever, and every clock can hold it.
            deadline: self.deadline.unwrap_or(DEADLINE).min(Duration::from_secs(86_400)),
            recorded_every: self.recorded_every.filter(|period| !period.is_zero()),
            system_every: Some(self.system_every.unwrap_or(SYSTEM_EVERY)).filter(|period| !period.is_zero()),
            logs_code: self.code.unwrap_or(true),
            takes_signals: switch(settings, "telemetry.exit_signals", true)?,
            lacks_key,
        }))
    }
}

/// How the server is reached; `None` without a key.
pub(super) fn way(
    api_key: Option<String>,
    url: Option<String>,
    settings: &Settings,
    experiment: &str,
) -> Result<Option<Way>, Error> {
    let Some(said) = given(api_key, "api_key()", settings, "comet.api_key")? else { return Ok(None) };
    // Not shown, whatever it is.
    let key = ApiKey::parse(&said.value).ok_or_else(|| Error::setting(&said.at, "", TAKES_KEY))?;
    let of_key = key.base_url.as_ref().map(|base| format!("{}/clientlib/", base.trim_end_matches('/')));
    let url = match given(url, "url()", settings, "comet.url_override")? {
        Some(said) => {
            if let Some(of_key) = &of_key
                && root(of_key) != root(&said.value)
            {
                say(format_args!("Comet: the API key names {of_key}, and {} another server, which is taken", said.at));
            }
            said
        }
        None => Said { value: of_key.unwrap_or_else(|| URL.to_owned()), at: "the address in the API key".to_owned() },
    };
    let (address, user) = parse(&url.value).ok_or_else(|| Error::setting(&url.at, &url.value, TAKES_URL))?;
    if user.is_some() || address.contains(['?', '#']) {
        return Err(Error::setting(&url.at, "", TAKES_URL));
    }
    let name = text(settings, "comet.allow_header.name")?;
    let header = match (name, text(settings, "comet.allow_header.value")?) {
        (Some(name), Some(value)) => {
            let is_header = ureq::http::HeaderName::try_from(name.value.as_str()).is_ok()
                && ureq::http::HeaderValue::from_str(&value.value).is_ok();
            if !is_header {
                return Err(Error::setting(&name.at, &name.value, TAKES_HEADER));
            }
            Some((name.value, Secret(value.value)))
        }
        _ => None,
    };
    let authorities = match text(settings, "comet.include_custom_ca_bundle")? {
        None => None,
        Some(said) => {
            let bytes = std::fs::read(&said.value)
                .map_err(|error| Error::File { path: said.value.clone().into(), why: error.to_string() })?;
            Some(Authorities::from_pem(&bytes).ok_or_else(|| Error::setting(&said.at, &said.value, TAKES_PEM))?)
        }
    };
    Ok(Some(Way {
        key,
        url: address,
        experiment: experiment.to_owned(),
        header,
        authorities,
        checks_certificates: switch(settings, "comet.internal.check_tls_certificate", true)?,
        timeout: seconds(settings, "comet.timeout.http", 10)?,
        upload_timeout: seconds(settings, "comet.timeout.file_upload", 900)?,
        compresses: switch(settings, "comet.message_batch.use_compression", true)?,
    }))
}

fn is_run(key: &str) -> bool {
    (32..=50).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What is said of a setting, unless that is nothing.
fn text(settings: &Settings, name: &str) -> Result<Option<Said>, Error> {
    Ok(settings.get(name)?.filter(|said| !said.value.is_empty()))
}

/// What the program says, else the settings.
fn given(own: Option<String>, method: &str, settings: &Settings, name: &str) -> Result<Option<Said>, Error> {
    match own {
        Some(value) => Ok(Some(Said { value, at: format!("Config::{method}") }).filter(|said| !said.value.is_empty())),
        None => text(settings, name),
    }
}

fn value(own: Option<String>, settings: &Settings, name: &str) -> Result<Option<String>, Error> {
    Ok(given(own, "", settings, name)?.map(|said| said.value))
}

fn seconds(settings: &Settings, name: &str, default: u64) -> Result<Duration, Error> {
    let Some(said) = text(settings, name)? else { return Ok(Duration::from_secs(default)) };
    let parsed = said.value.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds < 1e6);
    parsed.map(Duration::from_secs_f64).ok_or_else(|| Error::setting(&said.at, &said.value, TAKES_SECONDS))
}

fn switch(settings: &Settings, name: &str, default: bool) -> Result<bool, Error> {
    let Some(said) = text(settings, name)? else { return Ok(default) };
    match said.value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err(Error::setting(&said.at, &said.value, TAKES_BOOL)),
    }
}
