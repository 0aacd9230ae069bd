//! Call sites of `tracing` for measured functions, made when a function is called first: each has metadata that live as long as the program, and is
//! known to `tracing`, which keeps it told who is interested.
//!
//! `tracing` wants the names of a span's fields before there is a span. Those that every call has are fixed. Those of `span(…)` are seen when a call
//! gives them: then the function has a further call site, with these names too, for this call and all later ones. Names are texts of the program,
//! so that a function has one or two.

use super::sites::SITES;
use crate::record::CallSite;
use crate::record::table::Table;
use crate::record::thread;
use crate::sync::{Acquire, AtomicPtr, Mutex, OnceLock, Release, leak, lock};
use std::ptr;
use tracing_core::callsite::{DefaultCallsite, Identifier};
use tracing_core::field::{Field, FieldSet};
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Callsite, Dispatch, Level, LevelFilter, Metadata};

/// The fields that every span of a call has, by their places. Those that do not apply to a call stay empty.
pub(super) mod field {
    pub(in super::super) const RESULT: usize = 0;
    pub(in super::super) const ERROR_TYPE: usize = 1;
    pub(in super::super) const ERROR_MESSAGE: usize = 2;
    pub(in super::super) const OTEL_STATUS: usize = 3;
    pub(in super::super) const DURATION: usize = 4;
    pub(in super::super) const BUSY: usize = 5;
    pub(in super::super) const CPU: usize = 6;
    pub(in super::super) const ALLOCATED_BYTES: usize = 7;
    pub(in super::super) const ALLOCATIONS: usize = 8;
    pub(in super::super) const READ_BYTES: usize = 9;
    pub(in super::super) const WRITTEN_BYTES: usize = 10;
    pub(in super::super) const ATTRIBUTES: usize = 11;
}

/// In that order. `otel.status_code` is what `tracing-opentelemetry` makes a span's status of.
const NAMES: [&str; 12] = [
    "result",
    "error.type",
    "error.message",
    "otel.status_code",
    "duration_seconds",
    "busy_seconds",
    "cpu_seconds",
    "allocated_bytes",
    "allocations",
    "read_bytes",
    "written_bytes",
    "attributes",
];

/// 20: with the others there are 32 fields, which is what `tracing` takes of one span.
pub(super) const MOST_ATTRIBUTES: usize = 20;

/// A call site of `tracing`.
pub(super) struct Made {
    callsite: DefaultCallsite,
    pub(super) metadata: &'static Metadata<'static>,
    /// By their places.
    pub(super) fields: Vec<Field>,
    /// Those of its fields that are not of every call.
    attributes: &'static [&'static str],
}

/// Whose metadata they are. It is not what is told of interests: that knows its metadata from its beginning, as these know whose they are.
struct Identity(OnceLock<&'static Metadata<'static>>);

impl Callsite for Identity {
    fn set_interest(&self, _interest: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().copied().unwrap_or(&UNKNOWN)
    }
}

static UNKNOWN: Metadata<'static> = tracing_core::metadata! {
    name: "",
    target: "",
    level: Level::TRACE,
    fields: &[],
    callsite: &UNKNOWN_CALLSITE,
    kind: Kind::SPAN,
};
static UNKNOWN_CALLSITE: DefaultCallsite = DefaultCallsite::new(&UNKNOWN);

impl Made {
    /// Where a function has no module, as a block that is named at run time, it stands for one.
    fn new(site: &'static CallSite, level: Level, attributes: &'static [&'static str]) -> &'static Made {
        thread::uncounted(|_| {
            let identity = leak(Identity(OnceLock::new()));
            let names: &'static [&'static str] = NAMES.iter().chain(attributes).copied().collect::<Vec<_>>().leak();
            let (file, line) = site.location();
            let module = Some(site.module()).filter(|module| !module.is_empty());
            let metadata: &'static Metadata<'static> = leak(Metadata::new(
                site.function(),
                module.unwrap_or("telemetry"),
                level,
                Some(file).filter(|file| !file.is_empty()),
                Some(line).filter(|&line| line != 0),
                module,
                FieldSet::new(names, Identifier(identity)),
                Kind::SPAN,
            ));
            // Nobody else has seen it.
            let _ = identity.0.set(metadata);
            // Before any subscriber sees a span of it.
            SITES.is_ours(metadata);
            let fields = metadata.fields().iter().collect();
            leak(Made { callsite: DefaultCallsite::new(metadata), metadata, fields, attributes })
        })
    }

    /// Whether any subscriber may want the span.
    pub(super) fn may_be_wanted(&'static self) -> bool {
        !self.callsite.interest().is_never()
    }

    /// Whether a subscriber wants the span. To be followed by that: filters of layers keep at hand what they said last.
    pub(super) fn is_wanted(&'static self, by: &Dispatch) -> bool {
        let interest = self.callsite.interest();
        !interest.is_never() && (interest.is_always() || by.enabled(self.metadata))
    }

    /// The place of an attribute's field.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.attributes.iter().position(|&known| known == name).map(|place| NAMES.len() + place)
    }
}

/// The call site of `tracing` for a function, with all names that its calls gave so far.
pub(super) struct Function {
    site: &'static CallSite,
    latest: AtomicPtr<Made>,
    grows: Mutex<()>,
}

static FUNCTIONS: Table<Function> = Table::new();
static GROWS: Mutex<()> = Mutex::new(());

/// Whether any subscriber may want spans of a level: one load.
#[inline]
pub(super) fn is_any_interested(level: Level) -> bool {
    level <= LevelFilter::current()
}

impl Function {
    pub(super) fn of(site: &'static CallSite, level: Level) -> &'static Function {
        let index = if site.is_registered() { site.index() } else { site.register() };
        FUNCTIONS.get(index).unwrap_or_else(|| Function::make(site, index, level))
    }

    #[cold]
    fn make(site: &'static CallSite, index: usize, level: Level) -> &'static Function {
        let _alone = lock(&GROWS);
        FUNCTIONS.get(index).unwrap_or_else(|| {
            let latest = AtomicPtr::new(ptr::from_ref(Made::new(site, level, &[])).cast_mut());
            thread::uncounted(|_| FUNCTIONS.make(index, Function { site, latest, grows: Mutex::new(()) }))
        })
    }

    pub(super) fn latest(&self) -> &'static Made {
        // SAFETY: a leaked value, published with release, from its beginning on.
        unsafe { &*self.latest.load(Acquire) }
    }

    /// The call site with these names too, as far as there is room for them.
    pub(super) fn with(&self, names: impl Iterator<Item = &'static str> + Clone) -> &'static Made {
        let latest = self.latest();
        let is_new = |made: &Made, name: &str| !NAMES.contains(&name) && !made.attributes.contains(&name);
        if latest.attributes.len() >= MOST_ATTRIBUTES || !names.clone().any(|name| is_new(latest, name)) {
            return latest;
        }
        let _alone = lock(&self.grows);
        let latest = self.latest();
        thread::uncounted(|_| {
            let mut attributes = latest.attributes.to_vec();
            for name in names {
                if is_new(latest, name) && !attributes.contains(&name) && attributes.len() < MOST_ATTRIBUTES {
                    attributes.push(name);
                }
            }
            if attributes.len() == latest.attributes.len() {
                return latest;
            }
            let made = Made::new(self.site, *latest.metadata.level(), attributes.leak());
            self.latest.store(ptr::from_ref(made).cast_mut(), Release);
            made
        })
    }
}
