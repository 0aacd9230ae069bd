//! An archive on its way to the server: what `comet upload` does, by this library.

use super::archive::{About, EXPERIMENT, MESSAGES};
use super::config::{self, StartMode};
use super::core::of_items;
use super::error::Error;
use super::lanes::Item;
use super::limits;
use super::message::{Content, Message, MetricValue, Parameter};
use super::read::{Line, line};
use super::settings::Settings;
use super::wire::{self, Outcome, Request, Session, Wire};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use zip::ZipArchive;

/// Values of a metric that are sent: what the server keeps of one.
const VALUES: u64 = 15_000;
/// Before the attempts after the first.
const WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(4), Duration::from_secs(8)];
/// Times that a server may say "too many" of one request.
const THROTTLES: u32 = 20;

/// What is sent otherwise than the archive says.
///
/// ```
/// let options = telemetry::comet::UploadOptions::new().project("flights").as_new(true);
/// assert!(format!("{options:?}").contains("flights"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it is what `upload` is told"]
pub struct UploadOptions {
    workspace: Option<String>,
    project: Option<String>,
    as_new: bool,
}

impl UploadOptions {
    /// As the settings say, and else the archive.
    pub fn new() -> UploadOptions {
        UploadOptions::default()
    }

    /// Into this workspace.
    pub fn workspace(mut self, workspace: impl Into<String>) -> UploadOptions {
        self.workspace = Some(workspace.into());
        self
    }

    /// Into this project.
    pub fn project(mut self, project: impl Into<String>) -> UploadOptions {
        self.project = Some(project.into());
        self
    }

    /// Under a key of its own, whether the server has the archive's run or not.
    pub fn as_new(mut self, as_new: bool) -> UploadOptions {
        self.as_new = as_new;
        self
    }
}

/// What was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// The run's key.
    pub key: String,
    /// Where a person sees it, where the server says so.
    pub url: Option<String>,
    /// What the server has confirmed: values of metrics, parameters, others, files.
    pub confirmed: u64,
    /// Values of metrics that were left out, evenly, beyond 15,000 of a name.
    pub thinned: u64,
    /// What is not with the server, each with why.
    pub problems: Vec<String>,
}

/// Takes an archive to the server: `COMET_API_KEY`, `COMET_URL_OVERRIDE` and the other settings say which and whose. The archive stays.
///
/// Workspace and project are those of the options, else of the settings, else of the archive. Each request has four attempts.
///
/// # Errors
/// An archive that cannot be read, a setting that cannot be read, no API key, a server that refuses the run or does not answer. What it refuses of the run's messages is
/// in [`Uploaded::problems`].
pub fn upload(archive: impl AsRef<Path>, options: &UploadOptions) -> Result<Uploaded, Error> {
    let settings = Settings::read()?;
    let path = archive.as_ref();
    let refused = |why: &dyn std::fmt::Display| Error::archive(path, why);
    let open = || {
        File::open(path).map_err(|error| refused(&error)).and_then(|file| {
            ZipArchive::new(file).map_err(|error| {
                refused(&format!("it is no archive ({error}); `telemetry comet repair` saves what is whole"))
            })
        })
    };
    let mut zip = open()?;
    let mut text = String::new();
    let about = zip.by_name(EXPERIMENT).map_err(|error| refused(&format!("{EXPERIMENT}: {error}")))?;
    about.take(1 << 20).read_to_string(&mut text).map_err(|error| refused(&error))?;
    let mut about = About::parse(&text, super::message::id).map_err(|why| refused(&why))?;
    let place = |own: &Option<String>, name: &str, other: Option<String>| -> Result<Option<String>, Error> {
        let said = settings.get(name)?.map(|said| said.value).filter(|value| !value.is_empty());
        Ok(own.clone().or(said).or(other))
    };
    about.workspace = place(&options.workspace, "comet.workspace", about.workspace)?;
    about.project = place(&options.project, "comet.project_name", about.project)?;
    if options.as_new {
        about.key = super::message::id();
        about.mode = StartMode::Create;
    }
    let way = config::way(None, None, &settings, &about.key)?.ok_or(Error::NoKey)?;
    let mut messages = open()?;
    let counted = count(lines(&mut messages).map_err(|error| refused(&error))?).map_err(|error| refused(&error))?;
    let mut sender = Sender::start(Wire::new(way), &about)?;
    let mut again = open()?;
    sender
        .messages(lines(&mut again).map_err(|error| refused(&error))?, &mut zip, counted)
        .map_err(|error| refused(&error))?;
    Ok(sender.end(&about))
}

fn lines(zip: &mut ZipArchive<File>) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let messages = zip.by_name(MESSAGES).map_err(io::Error::other)?;
    Ok(BufReader::new(messages).lines())
}

type Name = (Arc<str>, Option<Arc<str>>);

/// Of a metric: how many values there are and how many were seen, and its extremes.
#[derive(Default)]
struct Series {
    values: u64,
    seen: u64,
    least: Option<f64>,
    greatest: Option<f64>,
}

fn count(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<HashMap<Name, Series>> {
    let mut all: HashMap<Name, Series> = HashMap::new();
    for text in lines {
        if let Ok(Line::Metric(metric)) = line(&text?) {
            let series = all.entry((metric.name, metric.context)).or_default();
            series.values += 1;
            series.least = Some(series.least.map_or(metric.value, |least| least.min(metric.value)));
            series.greatest = Some(series.greatest.map_or(metric.value, |greatest| greatest.max(metric.value)));
        }
    }
    Ok(all)
}

impl Series {
    /// Whether the next value, which is this one, is sent: all of few; of many evenly chosen ones, the first, the last, the least and the greatest.
    fn takes(&mut self, value: f64) -> bool {
        let place = self.seen;
        self.seen += 1;
        if self.values <= VALUES {
            return true;
        }
        let scaled = |place: u64| u128::from(place) * u128::from(VALUES - 4) / u128::from(self.values);
        let is_extreme = [&mut self.least, &mut self.greatest]
            .into_iter()
            .any(|extreme| extreme.take_if(|extreme| *extreme == value).is_some());
        place == 0 || place + 1 == self.values || is_extreme || scaled(place) != scaled(place + 1)
    }
}

struct Sender {
    wire: Wire,
    session: Session,
    offset: u64,
    done: Uploaded,
}

impl Sender {
    fn start(wire: Wire, about: &About) -> Result<Sender, Error> {
        let refused = |why: String| Error::Refused { what: "the run".to_owned(), why };
        let answer = match send(&wire, &wire.handshake(about, true)) {
            Outcome::Taken(answer) => answer,
            Outcome::Refused { code: 90_999, why } => {
                return Err(refused(format!("{why}; it is there already: upload it as a new one with --as-new")));
            }
            Outcome::Refused { why, .. } | Outcome::Failed(why) | Outcome::Unreachable(why) => {
                return Err(refused(why));
            }
            Outcome::Throttled(_) => return Err(refused("it asked again and again to wait".to_owned())),
        };
        let session =
            wire::session(&answer, &wire.experiment).ok_or_else(|| refused("the server gave no run".to_owned()))?;
        let done = Uploaded {
            key: about.key.clone(),
            url: session.url.clone(),
            confirmed: 0,
            thinned: 0,
            problems: Vec::new(),
        };
        let mut sender = Sender { offset: session.offset, wire, session, done };
        if !about.tags.is_empty() {
            sender.put(&sender.wire.tags(&about.tags), 0);
        }
        sender.put(&sender.wire.alive(&sender.session, true, true), 0);
        Ok(sender)
    }

    fn messages(
        &mut self,
        lines: impl Iterator<Item = io::Result<String>>,
        files: &mut ZipArchive<File>,
        mut series: HashMap<Name, Series>,
    ) -> io::Result<()> {
        let mut metrics: Vec<MetricValue> = Vec::new();
        let mut parameters: BTreeMap<(String, Option<Arc<str>>), Parameter> = BTreeMap::new();
        let mut others: BTreeMap<String, u64> = BTreeMap::new();
        for (number, text) in (1..).zip(lines) {
            match line(&text?) {
                Ok(Line::Metric(value)) => {
                    let name = (Arc::clone(&value.name), value.context.clone());
                    if !series.get_mut(&name).is_none_or(|series| series.takes(value.value)) {
                        self.done.thinned += 1;
                        continue;
                    }
                    metrics.push(value);
                    if metrics.len() == limits::BATCH {
                        self.put(&self.wire.metrics(&std::mem::take(&mut metrics)), limits::BATCH as u64);
                    }
                }
                Ok(Line::Message(Message::Parameter(parameter))) => {
                    parameters.insert((parameter.name.clone(), parameter.context.clone()), parameter);
                }
                Ok(Line::Message(message)) => self.message(number, message, files)?,
                Ok(Line::Other(kind)) => *others.entry(kind).or_default() += 1,
                Err(why) => self.done.problems.push(format!("line {number} of {MESSAGES} was not sent: {why}")),
            }
        }
        if !metrics.is_empty() {
            self.put(&self.wire.metrics(&metrics), metrics.len() as u64);
        }
        let parameters: Vec<Parameter> = parameters.into_values().collect();
        for batch in parameters.chunks(limits::BATCH) {
            self.put(&self.wire.parameters(batch), batch.len() as u64);
        }
        for (kind, lines) in others {
            self.done.problems.push(format!("{lines} lines of the type {kind} were not sent, since this library does not know them; `comet upload` does"));
        }
        Ok(())
    }

    fn message(&mut self, number: u64, mut message: Message, files: &mut ZipArchive<File>) -> io::Result<()> {
        // Taken out into a file, since it may be larger than memory is.
        let mut unpacked = None;
        if let Message::Upload(upload) = &mut message
            && let Content::File(name) = &upload.content
        {
            let name = name.to_string_lossy().into_owned();
            match files.by_name(&name) {
                Ok(mut member) => {
                    let place = std::env::temp_dir().join(format!("comet-upload-{}", super::message::id()));
                    let place = Unpacked(place);
                    io::copy(&mut member, &mut File::create(&place.0)?)?;
                    upload.content = Content::File(place.0.clone());
                    unpacked = Some(place);
                }
                Err(error) => {
                    self.done
                        .problems
                        .push(format!("line {number} of {MESSAGES} was not sent: its file {name}: {error}"));
                    return Ok(());
                }
            }
        }
        let is_output = matches!(message, Message::Output(_));
        match of_items(&self.wire, &self.session, self.offset, &[Item::Message(message)]) {
            Some(request) => self.put(&request, 1),
            None => self.done.problems.push(format!(
                "line {number} of {MESSAGES} was not sent: its file is larger than what the server takes"
            )),
        }
        self.offset += u64::from(is_output);
        drop(unpacked);
        Ok(())
    }

    fn end(mut self, about: &About) -> Uploaded {
        if let Some(error) = &about.error {
            self.put(&self.wire.error(error), 0);
        }
        self.put(&self.wire.alive(&self.session, false, true), 0);
        self.put(&self.wire.offline_times(&self.session, about.start, about.stop), 0);
        self.done
    }

    /// Sends it; what it carries is confirmed, or a problem.
    fn put(&mut self, request: &Request, carries: u64) {
        let why = match send(&self.wire, request) {
            Outcome::Taken(_) => {
                self.done.confirmed += carries;
                return;
            }
            Outcome::Refused { why, .. } | Outcome::Failed(why) | Outcome::Unreachable(why) => why,
            Outcome::Throttled(_) => "the server asked again and again to wait".to_owned(),
        };
        self.done.problems.push(format!("{} was not taken: {why}", request.what));
    }
}

/// A file that goes when it is no longer needed.
struct Unpacked(std::path::PathBuf);

impl Drop for Unpacked {
    fn drop(&mut self) {
        // In the folder for temporary files it harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Sends it, again where that may help.
fn send(wire: &Wire, request: &Request) -> Outcome {
    let (mut waits, mut throttles) = (WAITS.iter(), 0);
    loop {
        let outcome = wire.send(request, Duration::MAX);
        match &outcome {
            Outcome::Throttled(wait) if throttles < THROTTLES => {
                throttles += 1;
                std::thread::sleep(*wait);
            }
            Outcome::Failed(_) | Outcome::Unreachable(_) => match waits.next() {
                Some(wait) => std::thread::sleep(*wait),
                None => return outcome,
            },
            _ => return outcome,
        }
    }
}
