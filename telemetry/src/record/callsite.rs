//! The static that stands in each measured function.

use crate::record::asked::Asked;
use crate::record::outcome::Outcome;
use crate::record::shard::{self, SiteCell};
use crate::record::thread;
use crate::record::{clock, exemplar};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, OnceLock, Relaxed, Release, fence, lock};
use std::fmt;

/// A measured function, as it stands in the source.
pub struct CallSite {
    /// Its place in `SITES` and in every shard, or `UNREGISTERED`.
    index: AtomicU32,
    /// The `name` argument, or empty: then the function's path says it.
    name: &'static str,
    /// The path of an item inside the function's body: only the compiler knows in which `impl` a method stands.
    path: fn() -> &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    /// Whether a call has been seen whose type can be an error.
    fallible: AtomicBool,
    /// No box, which would have to be dropped: the compiler would ask about that for each static of the program.
    label: OnceLock<&'static str>,
    /// What the attribute's arguments asked for besides.
    asked: Option<&'static Asked>,
    /// Ticks of its own that a visit took of late on the thread that decided about probes last; 0 before.
    pub(crate) typical: AtomicU64,
    /// Set in a call site that was made at run time for one label set of another: calls are started on that one and end on this one.
    variant_of: Option<&'static CallSite>,
}

const UNREGISTERED: u32 = u32::MAX;

/// Every call site that was reached, by index.
static SITES: Mutex<Vec<&'static CallSite>> = Mutex::new(Vec::new());

// SAFETY: every field is, which is seen below. Said outright, since the compiler would work it out anew for each static of the user's program:
// a fifteenth of what `cargo check` spends on a measured function.
unsafe impl Sync for CallSite {}

const _: fn(&CallSite) = |site| {
    fn is_sync<T: Sync>(_: &T) {}
    let CallSite { index, name, path, module, file, line, fallible, label, asked, typical, variant_of } = site;
    is_sync(&(index, name, path, module, file, line, fallible, label, asked, typical, variant_of));
};

impl CallSite {
    /// A call site that no thread has reached.
    #[must_use]
    pub const fn new(
        name: &'static str,
        path: fn() -> &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> CallSite {
        CallSite {
            index: AtomicU32::new(UNREGISTERED),
            name,
            path,
            module,
            file,
            line,
            fallible: AtomicBool::new(false),
            label: OnceLock::new(),
            asked: None,
            typical: AtomicU64::new(0),
            variant_of: None,
        }
    }

    /// The same with what the attribute's arguments asked for.
    #[must_use]
    pub const fn asked(mut self, asked: &'static Asked) -> CallSite {
        self.asked = Some(asked);
        self
    }

    /// A call site whose calls are those of `whole` with one label set. It keeps results alone; all else is the function's as a whole.
    pub(crate) fn variant_of(whole: &'static CallSite) -> CallSite {
        CallSite {
            asked: whole.asked,
            variant_of: Some(whole),
            ..CallSite::new(whole.name, whole.path, whole.module, whole.file, whole.line)
        }
    }

    /// A call site of the same place under another name: a function of its own in all families.
    pub(crate) fn renamed(&self, name: String, asked: Option<&'static Asked>) -> CallSite {
        let label = OnceLock::from(&*name.leak());
        CallSite { asked, label, ..CallSite::new(self.name, self.path, self.module, self.file, self.line) }
    }

    /// Whether the attribute's arguments asked for something besides.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The function as a whole: itself, unless this stands for one of its label sets.
    #[inline]
    pub(crate) fn whole(&'static self) -> &'static CallSite {
        match self.asked {
            None => self,
            Some(_) => self.whole_of_asked(),
        }
    }

    #[cold]
    fn whole_of_asked(&'static self) -> &'static CallSite {
        self.variant_of.unwrap_or(self)
    }

    /// Counts a call as ended, after `ticks` from start to end. `cell` is the thread's of the function as a whole.
    #[inline(always)]
    pub(crate) fn end(&'static self, cell: &SiteCell, outcome: Outcome, ticks: u64) {
        if self.asked.is_none() && !exemplar::is_on() {
            return cell.end::<true>(outcome, ticks);
        }
        self.end_rarely(cell, outcome, ticks);
    }

    #[inline(never)]
    fn end_rarely(&'static self, cell: &SiteCell, outcome: Outcome, ticks: u64) {
        let end = |cell: &SiteCell| {
            cell.end::<true>(outcome, ticks);
            if exemplar::is_on() {
                exemplar::call(cell, outcome, ticks);
            }
        };
        let Some(asked) = self.asked else { return end(cell) };
        end(thread::with(|thread| shard::site_cell(thread, self)));
        // What is counted besides is not seen before the result is.
        fence(Release);
        asked.ended(outcome, ticks);
    }

    pub(crate) fn is_variant(&self) -> bool {
        self.variant_of.is_some()
    }

    pub(crate) fn what_was_asked(&self) -> Option<&'static Asked> {
        self.asked
    }

    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index.load(Relaxed) as usize
    }

    /// Whether a call has reached it.
    pub(crate) fn is_registered(&self) -> bool {
        self.index.load(Relaxed) != UNREGISTERED
    }

    /// Gives the site its index, once, and starts the clock.
    #[cold]
    pub(crate) fn register(&'static self) -> usize {
        clock::clock();
        let mut sites = lock(&SITES);
        let index = self.index.load(Relaxed);
        if index != UNREGISTERED {
            return index as usize;
        }
        let index = sites.len();
        sites.push(self);
        // Cannot meet UNREGISTERED: four billion statics do not fit a program.
        self.index.store(u32::try_from(index).unwrap_or(UNREGISTERED - 1), Relaxed);
        index
    }

    /// Learns that its type can be an error, so that `error` exists at zero: at the start of a call from the type, where that has a
    /// name, else from the first output.
    #[inline]
    pub(crate) fn learn(&self, fallible: bool) {
        if fallible && !self.fallible.load(Relaxed) {
            self.fallible.store(true, Relaxed);
        }
    }

    pub(crate) fn is_fallible(&self) -> bool {
        self.fallible.load(Relaxed)
    }

    /// The value of the label `function`: the `name` argument, else the path within the module, `Reader::next` for a method.
    pub(crate) fn function(&self) -> &str {
        self.label.get_or_init(|| {
            if self.name.is_empty() { function_in((self.path)(), self.module).leak() } else { self.name }
        })
    }

    /// Its path in the program, `app::io::Reader::next`, whatever it is called; none for a block.
    #[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "of spans"))]
    pub(crate) fn qualified(&self) -> Option<String> {
        let path = Some((self.path)()).filter(|path| !path.is_empty())?;
        Some(format!("{}::{}", self.module, function_in(path, self.module)))
    }

    /// The `name` argument, or empty.
    pub(crate) fn given_name(&self) -> &'static str {
        self.name
    }

    /// The value of the label `module`.
    pub(crate) fn module(&self) -> &'static str {
        self.module
    }

    /// Where the function stands.
    #[must_use]
    pub fn location(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }
}

impl fmt::Debug for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallSite({}::{})", self.module, self.function())
    }
}

/// Every call site that was reached, by index.
pub(crate) fn all() -> Vec<&'static CallSite> {
    lock(&SITES).clone()
}

/// The function's path within its module, from the path of the item `__Path` in its body, as
/// [`std::any::type_name`] writes it: `app::io::load::__Path`, `app::io::Reader<T>::next::__Path`,
/// `<app::io::Reader<T> as app::Source>::next::__Path`, with `::{{closure}}` wherever it is in a closure or an `async` block.
fn function_in(path: &str, module: &str) -> String {
    let path = path.rsplit_once("::").map_or(path, |(function, _)| function);
    let path = path.replace("::{{closure}}", "");
    let local = path.strip_prefix(module).and_then(|rest| rest.strip_prefix("::"));
    without_holes(local.map_or_else(|| shorten(&path), shorten))
}

/// Leaves out what has no name: `<Reader<'_, _> as Source>::next` is `<Reader as Source>::next`.
fn without_holes(mut path: String) -> String {
    for hole in ["'_", "_"] {
        loop {
            let less = path
                .replace(&format!("<{hole}, "), "<")
                .replace(&format!(", {hole}>"), ">")
                .replace(&format!(", {hole}, "), ", ")
                .replace(&format!("<{hole}>"), "");
            if less == path {
                break;
            }
            path = less;
        }
    }
    path
}

/// The function of one instantiation, from the path of a closure in its body: `app::io::Reader<u8>::next<alloc::string::String>::{{closure}}`
/// becomes `Reader<u8>::next<String>`. A `name` stands for the path and keeps the function's own types: `read<String>`.
pub(crate) fn instantiation_in(path: &str, module: &str, name: &str) -> String {
    let path = path.trim_end_matches("::{{closure}}");
    if name.is_empty() {
        let local = path.strip_prefix(module).and_then(|rest| rest.strip_prefix("::"));
        return last_names(local.unwrap_or(path));
    }
    format!("{name}{}", last_names(own_types(path)))
}

/// The angle brackets at the end of a path with what stands in them; empty where the path does not end so.
fn own_types(path: &str) -> &str {
    let mut depth = 0usize;
    for (at, character) in path.char_indices().rev() {
        match character {
            // The arrow of a function's type closes nothing.
            '>' if !path[..at].ends_with('-') => depth += 1,
            '<' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if character == '<' { &path[at..] } else { "" };
        }
    }
    ""
}

/// Leaves of every path within brackets its last name: `Reader<alloc::vec::Vec<u8>>::next` becomes `Reader<Vec<u8>>::next`.
fn last_names(path: &str) -> String {
    let mut short = String::with_capacity(path.len());
    let (mut depth, mut word) = (0usize, 0);
    let mut last = ' ';
    for character in path.chars() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if last == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        short.push(character);
        if depth > 0 && short.ends_with("::") && !short.ends_with(">::") {
            short.truncate(word);
        } else if !(character.is_alphanumeric() || matches!(character, '_' | ':' | '{' | '}')) {
            word = short.len();
        }
        last = character;
    }
    short
}

/// Leaves of every path its last name, but of the outermost one all that was given: `<a::b::S as c::T>::m` becomes `<S as T>::m`.
fn shorten(path: &str) -> String {
    if !path.starts_with('<') {
        return path.split_once('<').map_or_else(|| path.to_owned(), |_| without_generics(path));
    }
    let mut short = String::with_capacity(path.len());
    let mut word = String::new();
    let mut rest = path;
    while let Some(character) = rest.chars().next() {
        if rest.starts_with("::") && !short.ends_with('>') && !word.is_empty() {
            word.clear();
            rest = &rest[2..];
            continue;
        }
        if character.is_alphanumeric() || character == '_' {
            word.push(character);
        } else {
            short.push_str(&word);
            word.clear();
            short.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    short + &word
}

/// `Reader<T>::next` without what stands in angle brackets: a generic function is one function.
fn without_generics(path: &str) -> String {
    let mut depth = 0usize;
    let mut plain = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain.replace("::::", "::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_type_of_a_method() {
        let cases = [
            ("app::io::load::__Path", "load"),
            ("app::io::Reader::next::__Path", "Reader::next"),
            ("app::io::Reader<T>::next::__Path", "Reader::next"),
            ("app::io::load::{{closure}}::__Path", "load"),
            ("<app::io::Reader as app::Source>::next::__Path", "<Reader as Source>::next"),
            ("<app::io::Reader<T> as app::Source<u8>>::next::__Path", "<Reader<T> as Source<u8>>::next"),
            ("<app::io::Reader<'_, '_, _> as app::Source<_>>::next::__Path", "<Reader as Source>::next"),
            ("<app::io::Reader<'_, u32, _> as app::Source<'_, u8>>::next::__Path", "<Reader<u32> as Source<u8>>::next"),
            ("<app::io::_R<_> as app::Source>::_next::__Path", "<_R as Source>::_next"),
            ("other::load::__Path", "other::load"),
        ];
        for (path, expected) in cases {
            assert_eq!(function_in(path, "app::io"), expected, "{path}");
        }
    }

    #[test]
    fn an_instantiation_is_named_by_its_types() {
        let cases = [
            ("app::io::load<u8>::{{closure}}", "load<u8>"),
            ("app::io::load<u8>::{{closure}}::{{closure}}", "load<u8>"),
            ("app::io::load::{{closure}}", "load"),
            ("app::io::Reader<alloc::vec::Vec<u8>>::next<app::Row, 3>::{{closure}}", "Reader<Vec<u8>>::next<Row, 3>"),
            ("<app::io::Reader<u8> as app::Source>::next::{{closure}}", "<Reader<u8> as Source>::next"),
            ("app::io::load<app::main::{{closure}}>::{{closure}}", "load<{{closure}}>"),
            ("app::io::load<fn(app::A) -> app::B>::{{closure}}", "load<fn(A) -> B>"),
            ("app::io::load<&[app::A]>::{{closure}}", "load<&[A]>"),
        ];
        for (path, expected) in cases {
            assert_eq!(instantiation_in(path, "app::io", ""), expected, "{path}");
        }
        let named = |path| instantiation_in(path, "app::io", "read");
        assert_eq!(named("app::io::Reader<u8>::next<app::Row>::{{closure}}"), "read<Row>");
        assert_eq!(named("app::io::load<fn(app::A) -> app::B>::{{closure}}"), "read<fn(A) -> B>");
        assert_eq!(named("app::io::load::{{closure}}"), "read");
    }
}
