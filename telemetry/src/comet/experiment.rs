//! A run: what a program logs to it.

use super::config::Config;
use super::core::Core;
use super::error::Error;
use super::message::{self, Content, Message, Output, PICTURE, Parameter, Upload, millis};
use super::metric::{Logged, NONE};
use super::recorded::{self, Recording};
use super::settings::Settings;
use super::{facts, limits, live};
use crate::notice::say;
use crate::record::fork::Process;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long the last look at what was recorded may take, of the deadline.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// A run of Comet ML: what is logged to it goes to the server, or into an archive. Clones are the same run.
///
/// No method waits for the network, and none fails: what could not be delivered is said once, counted in
/// `telemetry_push_dropped_samples_total{receiver="comet"}`, and in an archive where there is room for one. The run ends with [`end`](Experiment::end), with its last
/// clone, or with the program; while a panic unwinds it has failed.
///
/// ```
/// use telemetry::comet::{Config, Experiment, Mode};
///
/// # fn main() -> Result<(), telemetry::comet::Error> {
/// # let folder = std::env::temp_dir().join(format!("telemetry-comet-doc-{}", std::process::id()));
/// let config = Config::new().project("flights").mode(Mode::Offline);
/// # let config = config.offline_directory(&folder);
/// let experiment = Experiment::start(config)?;
/// experiment.log_parameter("learning_rate", 0.01);
/// for step in 0..100 {
///     experiment.set_step(step);
///     experiment.log_metric("loss", 1.0 / (step + 1) as f64);
/// }
/// assert!(experiment.end());
/// # #[cfg(not(telemetry_off))]
/// assert!(experiment.archive().is_some_and(|archive| archive.exists()));
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Experiment {
    run: Option<Arc<Run>>,
    context: Option<Arc<str>>,
}

/// What the clones share: its drop is the end.
struct Run {
    core: Arc<Core>,
    recording: Mutex<Option<Recording>>,
    /// Ends nothing: a hand of our own, while it lives elsewhere.
    is_borrowed: bool,
}

/// One value of a metric, with what is known of it besides.
///
/// ```
/// use telemetry::comet::{Experiment, Metric};
///
/// Experiment::off().log(Metric::new("loss", 0.25).step(4).epoch(1).context("validate"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is logged by `Experiment::log`"]
pub struct Metric<'a> {
    name: &'a str,
    value: f64,
    step: Option<u64>,
    epoch: Option<u64>,
    context: Option<&'a str>,
    at: Option<SystemTime>,
}

impl<'a> Metric<'a> {
    /// A value of now, of the experiment's step and epoch.
    pub fn new(name: &'a str, value: f64) -> Metric<'a> {
        Metric { name, value, step: None, epoch: None, context: None, at: None }
    }

    /// Of this step.
    pub fn step(mut self, step: u64) -> Metric<'a> {
        self.step = Some(step);
        self
    }

    /// Of this epoch.
    pub fn epoch(mut self, epoch: u64) -> Metric<'a> {
        self.epoch = Some(epoch);
        self
    }

    /// `train`, `validate`, `test`, or a word of your own; shown before the name.
    pub fn context(mut self, context: &'a str) -> Metric<'a> {
        self.context = Some(context);
        self
    }

    /// Of this moment.
    pub fn at(mut self, at: SystemTime) -> Metric<'a> {
        self.at = Some(at);
        self
    }
}

/// What bytes are, as Comet shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// Scalable Vector Graphics.
    Svg,
}

impl ImageFormat {
    fn extension(self) -> &'static str {
        match self {
            ImageFormat::Png => "png",
            ImageFormat::Jpeg => "jpg",
            ImageFormat::Gif => "gif",
            ImageFormat::Svg => "svg",
        }
    }
}

impl Experiment {
    /// Begins a run. The handshake with the server is on its way when this returns; without an API key the run goes into an archive, which is said.
    ///
    /// # Errors
    /// A setting that cannot be read, by its name. Never the server, nor the network.
    pub fn start(config: Config) -> Result<Experiment, Error> {
        if cfg!(telemetry_off) {
            return Ok(Experiment::off());
        }
        let Some(plan) = config.plan(&Settings::read()?)? else { return Ok(Experiment::off()) };
        let (recorded_every, system_every) = (plan.recorded_every, plan.system_every);
        let (name, tags, logs_code) = (plan.name.clone(), plan.about.tags.clone(), plan.logs_code);
        if plan.lacks_key {
            let directory = plan.directory.display();
            say(format_args!(
                "Comet: no API key (COMET_API_KEY), so run {} goes to an archive in {directory}",
                plan.about.key
            ));
        }
        let has_server = plan.wire.is_some();
        let Some(core) = Core::begin(plan) else { return Ok(Experiment::off()) };
        live::add(&core);
        let recording = recorded::start(Arc::downgrade(&core), recorded_every, system_every);
        let run = Run { core, recording: Mutex::new(recording), is_borrowed: false };
        let experiment = Experiment { run: Some(Arc::new(run)), context: None };
        // An archive has them from its beginning.
        for tag in tags.iter().filter(|_| has_server) {
            experiment.add_tag(tag);
        }
        if let Some(name) = name {
            experiment.log_other("Name", name);
        }
        for (key, value) in Settings::others() {
            experiment.log_other(&key, value);
        }
        if logs_code {
            for fact in facts::all() {
                experiment.push(|| fact);
            }
        }
        Ok(experiment)
    }

    /// One to which everything can be logged, and that keeps nothing.
    #[must_use]
    pub fn off() -> Experiment {
        Experiment { run: None, context: None }
    }

    /// A hand that ends nothing.
    pub(super) fn of_core(core: Arc<Core>) -> Experiment {
        Experiment { run: Some(Arc::new(Run { core, recording: Mutex::new(None), is_borrowed: true })), context: None }
    }

    /// Whether what is logged is kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.core().is_some()
    }

    /// The run's key; empty where nothing is kept.
    #[must_use]
    pub fn key(&self) -> &str {
        self.run.as_ref().map_or("", |run| &run.core.plan().about.key)
    }

    /// Where a person sees the run, once the server has said so.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        self.core()?.url()
    }

    /// The archive that was made at the end, where one was.
    #[must_use]
    pub fn archive(&self) -> Option<PathBuf> {
        self.core()?.archive()
    }

    /// The same run, whose metrics and parameters are logged in this context: `train`, `validate`, `test`, or a word of your own.
    #[must_use]
    pub fn in_context(&self, context: &str) -> Experiment {
        Experiment { run: self.run.clone(), context: Some(limits::name(context).into()) }
    }

    // Metrics.

    /// The step of the metrics and files that follow, on all threads.
    pub fn set_step(&self, step: u64) {
        if let Some(core) = self.core() {
            core.step.store(step, Relaxed);
        }
    }

    /// The epoch of the metrics and files that follow, on all threads.
    pub fn set_epoch(&self, epoch: u64) {
        if let Some(core) = self.core() {
            core.epoch.store(epoch, Relaxed);
        }
    }

    /// Logs a value of now. Takes some 50 ns, and never waits or fails.
    ///
    /// Of each name and context the first 10,000 values are told, then 400 of each doubling, and the least, the greatest and the last one; and of all at most 12,000 a minute, which is what Comet takes. What is not
    /// told is counted. A name has 100 characters at most; a longer one is cut.
    pub fn log_metric(&self, name: &str, value: f64) {
        self.log(Metric::new(name, value));
    }

    /// Logs a value with what is known of it.
    pub fn log(&self, metric: Metric<'_>) {
        let Some(core) = self.core() else { return };
        let cut;
        let mut name = metric.name;
        if name.len() > limits::NAME {
            cut = limits::name(name);
            name = &cut;
        }
        let own: Option<Arc<str>> = metric.context.map(|context| limits::name(context).into());
        let logged = Logged {
            name,
            context: own.as_ref().or(self.context.as_ref()),
            value: metric.value,
            step: metric.step.unwrap_or_else(|| core.step.load(Relaxed)),
            epoch: metric.epoch.unwrap_or_else(|| core.epoch.load(Relaxed)),
            at: metric.at.map_or_else(message::now, millis),
        };
        if core.metrics.log(&logged) {
            core.wake();
        }
    }

    // Parameters and others.

    /// Logs a parameter. A structure or a map becomes one parameter for each of its values, with `|` between the names, ten levels deep; the last word on a name
    /// counts. What cannot be serialized is said and left out.
    pub fn log_parameter(&self, name: &str, value: impl Serialize) {
        let Some(core) = self.core() else { return };
        let Some(value) = self.json(name, value) else { return };
        let at = message::now();
        flatten(name, value, 0, &mut |name, value| {
            let (name, value) = (limits::name(&name), limits::value(value));
            core.push(Message::Parameter(Parameter {
                name,
                value,
                step: self.step(),
                context: self.context.clone(),
                at,
            }));
        });
    }

    /// Logs each field of a structure, or each entry of a map, as a parameter.
    pub fn log_parameters(&self, parameters: impl Serialize) {
        let Some(Value::Object(all)) = self.json("parameters", parameters) else { return };
        for (name, value) in all {
            self.log_parameter(&name, value);
        }
    }

    /// Logs a fact that is neither a metric nor a parameter. `Name` is the run's name.
    pub fn log_other(&self, key: &str, value: impl Serialize) {
        let Some(value) = self.core().and_then(|_| self.json(key, value)) else { return };
        let value = if value.is_array() { Value::String(value.to_string()) } else { value };
        self.push(|| Message::Other(limits::name(key), limits::value(value)));
    }

    /// Adds a tag, unless it is empty.
    pub fn add_tag(&self, tag: &str) {
        if !tag.is_empty() {
            self.push(|| Message::Tag(tag.to_owned()));
        }
    }

    /// Adds to the run's HTML.
    pub fn log_html(&self, html: &str) {
        self.push(|| Message::Html(html.to_owned(), message::now()));
    }

    /// A text, such as one that a model has made.
    pub fn log_text(&self, text: &str) {
        self.upload("text-sample", "auto-generated-in-the-backend", None, || Content::Bytes(text.as_bytes().into()));
    }

    /// Lines that the program wrote to standard output.
    pub fn log_output(&self, text: &str) {
        self.output(text, false);
    }

    /// Lines that the program wrote to standard error.
    pub fn log_error_output(&self, text: &str) {
        self.output(text, true);
    }

    // Files.

    /// A file of this name and content.
    pub fn log_asset(&self, name: &str, content: impl Into<Vec<u8>>) {
        self.upload("asset", name, extension(name), || Content::Bytes(content.into().into()));
    }

    /// A file, read when it is its turn: it is to stay as it is until the end.
    pub fn log_file(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let extension = extension(&name);
        self.upload("asset", &name, extension, || {
            Content::File(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
        });
    }

    /// A picture.
    pub fn log_image(&self, name: &str, bytes: impl Into<Vec<u8>>, format: ImageFormat) {
        self.upload(PICTURE, name, Some(format.extension().to_owned()), || Content::Bytes(bytes.into().into()));
    }

    // The end.

    /// The run has failed, with this error; the first one counts. It goes on until it ends.
    pub fn fail(&self, error: &str) {
        if let Some(core) = self.core() {
            core.fail(error);
        }
    }

    /// The run was given up, for this reason. It goes on until it ends.
    pub fn abort(&self, reason: &str) {
        if let Some(core) = self.core()
            && !core.has_failed()
        {
            core.fail(&format!("aborted: {reason}"));
            self.log_other("status", "aborted");
        }
    }

    /// Waits until all that was logged so far is with the server or in the archive, up to so long: whether it is.
    pub fn flush(&self, most: Duration) -> bool {
        self.core().is_none_or(|core| core.flush(most))
    }

    /// Ends the run, and waits until all is delivered, but not beyond its deadline, after which what is left is written to an archive. Whether nothing was lost. Other clones log
    /// to nowhere from then on; a second end waits for the first.
    pub fn end(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.end())
    }

    pub(super) fn core(&self) -> Option<&Arc<Core>> {
        // In a child of a fork the run is its parent's.
        self.run.as_ref().map(|run| &run.core).filter(|core| core.process == Process::current())
    }

    pub(super) fn step(&self) -> Option<u64> {
        self.core().map(|core| core.step.load(Relaxed)).filter(|step| *step != NONE)
    }

    fn push(&self, message: impl FnOnce() -> Message) {
        if let Some(core) = self.core() {
            core.push(message());
        }
    }

    fn json(&self, name: &str, value: impl Serialize) -> Option<Value> {
        match super::number::json(&value) {
            Ok(value) => Some(value),
            Err(error) => {
                say(format_args!("Comet: {name} is not logged, since it cannot be serialized: {error}"));
                None
            }
        }
    }

    fn output(&self, written: &str, is_error: bool) {
        let at = message::now();
        let mut rest = written;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(limits::OUTPUT).map_or(rest.len(), |(end, _)| end);
            let (piece, more) = rest.split_at(end);
            self.push(|| Message::Output(Output { text: piece.to_owned(), is_error, at }));
            rest = more;
        }
    }

    pub(super) fn upload(
        &self,
        kind: &'static str,
        name: &str,
        extension: Option<String>,
        content: impl FnOnce() -> Content,
    ) {
        self.upload_at(kind, name, extension, self.step(), content);
    }

    pub(super) fn upload_at(
        &self,
        kind: &'static str,
        name: &str,
        extension: Option<String>,
        step: Option<u64>,
        content: impl FnOnce() -> Content,
    ) {
        let Some(core) = self.core() else { return };
        let figure = (kind == PICTURE).then(|| core.figures.fetch_add(1, Relaxed));
        let epoch = core.epoch.load(Relaxed);
        core.push(Message::Upload(Upload {
            kind: kind.into(),
            id: message::id(),
            name: name.to_owned(),
            extension,
            step,
            epoch: Some(epoch).filter(|epoch| *epoch != NONE && kind != PICTURE),
            context: self.context.clone(),
            figure,
            overwrites: false,
            metadata: Value::Null,
            content: content(),
            at: message::now(),
        }));
    }
}

impl Run {
    fn end(&self) -> bool {
        // In a child of a fork there is nothing to end.
        if self.is_borrowed || self.core.process != Process::current() {
            return true;
        }
        let until = Instant::now() + self.core.plan().deadline;
        let recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut recording) = recording {
            recording.end(LAST_LOOK.min(self.core.plan().deadline / 4));
        }
        let is_delivered = self.core.end(until.saturating_duration_since(Instant::now()));
        live::remove(&self.core);
        is_delivered
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.is_borrowed {
            return;
        }
        if std::thread::panicking() {
            self.core.fail("the program panicked");
        }
        self.end();
    }
}

impl fmt::Debug for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment").field("key", &self.key()).field("context", &self.context).finish_non_exhaustive()
    }
}

pub(super) fn extension(name: &str) -> Option<String> {
    Path::new(name).extension().map(|extension| extension.to_string_lossy().into_owned())
}

/// Gives each value that is no structure, by its name.
fn flatten(name: &str, value: Value, level: usize, give: &mut impl FnMut(String, Value)) {
    match value {
        Value::Object(fields) if level < limits::LEVELS && !fields.is_empty() => {
            for (field, value) in fields {
                flatten(&format!("{name}|{field}"), value, level + 1, give);
            }
        }
        value => give(name.to_owned(), value),
    }
}
