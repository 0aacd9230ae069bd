//! What is said of a fault: what is wrong, then what to write.

use super::ask::{At, Comparison, Reads, Sample, Suffix};
use super::families::{Families, Given, has_part};
use super::nearest::{Candidate, Nearest};
use super::number::{can_be_written, push_bound};
use super::text::{Text, has, same};
use super::verdict::{Fault, Why};
use crate::metric::{Descriptor, Kind};
use telemetry_dashboards::hash;

/// The most names of one list that are shown.
const LISTED: usize = 20;

/// Pushes texts; what is in `[…]` is the user's and comes in back-ticks.
macro_rules! say {
    ($text:expr $(,)?) => {};
    ($text:expr, [$quoted:expr] $(, $($rest:tt)*)?) => {{ $text.quote($quoted); $(say!($text, $($rest)*);)? }};
    ($text:expr, $plain:expr $(, $($rest:tt)*)?) => {{ $text.push($plain); $(say!($text, $($rest)*);)? }};
}

/// What a name that nobody declared was probably meant to be.
#[derive(Clone, Copy)]
pub(super) enum Meant<'a> {
    /// The same with this ending, which is a family of this kind.
    Ending(&'static str, &'static str),
    /// A name that is near.
    Near(Candidate<'a>),
    /// Nothing is near.
    Nothing,
}

/// Place, sentence and query in one line. What a name was meant to be takes long to find, so a name that many ask for brings it along.
pub(super) const fn line(at: &At<'_>, families: &Families<'_>, fault: &Fault<'_>, meant: Option<&Meant<'_>>) -> Text {
    let mut text = Text::new();
    say!(text, at.place, ": ");
    match (*fault, meant) {
        (Fault::Undeclared(sample), Some(meant)) => undeclared(&mut text, sample, meant),
        _ => push(&mut text, families, fault),
    }
    if !at.query.is_empty() {
        let end = if text.ends_with(b'?') { " query: " } else { "; query: " };
        say!(text, end, [at.query]);
    }
    text
}

/// The sentence.
pub(super) const fn sentence(families: &Families<'_>, fault: &Fault<'_>) -> Text {
    let mut text = Text::new();
    push(&mut text, families, fault);
    text
}

const fn push(text: &mut Text, families: &Families<'_>, fault: &Fault<'_>) {
    match *fault {
        Fault::Undeclared(sample) => undeclared(text, sample, &meant(families, &sample)),
        Fault::NoPart(sample, family) => no_part(text, sample, family),
        Fault::NoBeginning(prefix) => no_beginning(text, families, prefix),
        Fault::NoLabel { label, of, reads } => no_label(text, families, label, of, reads),
        Fault::NotCounting { family, function } => not_counting(text, family, function),
        Fault::OnlyGrows(sample, given) => only_grows(text, sample, given),
        Fault::NotBuckets(sample, given) => not_buckets(text, sample, given),
        Fault::Threshold { family, comparison, text: value, why } => threshold(text, family, comparison, value, why),
        Fault::NoBound { family, le, value, spelling, is_bound } => {
            no_bound(text, family, le, value, if is_bound { Some(spelling) } else { None });
        }
    }
}

const fn undeclared(text: &mut Text, sample: Sample<'_>, meant: &Meant<'_>) {
    say!(text, "no declared family gives the series ", [sample.name]);
    match *meant {
        Meant::Ending(ending, kind) => {
            say!(text, "; did you mean the ", kind, " `", sample.name, ending, "`?");
        }
        Meant::Near(best) => say!(text, "; did you mean `", best.name, best.ending, "`?"),
        Meant::Nothing => elsewhere(text, sample.name),
    }
}

/// What a name was probably meant to be.
pub(super) const fn meant<'a>(families: &Families<'a>, sample: &Sample<'a>) -> Meant<'a> {
    // What is forgotten most: the ending of a counter's or an info's name.
    let endings = [("_total", "counter"), ("_info", "info")];
    let mut at = 0;
    while at < endings.len() {
        let (ending, kind) = endings[at];
        let mut name = Text::new();
        say!(name, sample.name, ending);
        if families.find(name.as_str(), hash(name.as_str())).is_some() {
            return Meant::Ending(ending, kind);
        }
        at += 1;
    }
    let (mut nearest, mut at) = (Nearest::new(sample.stem()), 0);
    while at < families.len() {
        let family = families.nth(at);
        match sample.suffix {
            Suffix::None => {
                nearest.offer(family.name);
                if has_part(family, Suffix::Bucket) {
                    nearest.offer_with(family.name, "_bucket");
                }
                if has_part(family, Suffix::Sum) {
                    nearest.offer_with(family.name, "_sum");
                    nearest.offer_with(family.name, "_count");
                }
            }
            suffix if has_part(family, suffix) => nearest.offer_stem(family.name, sample.ending()),
            _ => {}
        }
        at += 1;
    }
    if nearest.best().is_none() && !matches!(sample.suffix, Suffix::None) {
        // None with the same ending: perhaps one with another.
        (nearest, at) = (Nearest::new(sample.name), 0);
        while at < families.len() {
            nearest.offer(families.nth(at).name);
            at += 1;
        }
    }
    match nearest.best() {
        Some(best) => Meant::Near(best),
        None => Meant::Nothing,
    }
}

/// What to do where nothing near is declared.
const fn elsewhere(text: &mut Text, name: &str) {
    say!(
        text,
        "; declare it with `metric!`, add its catalog to `catalogs`, or, where another exporter gives it, write `foreign = [\""
    );
    let bytes = name.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'_' {
        end += 1;
    }
    // The first word with its underscore.
    if end < bytes.len() {
        end += 1;
    }
    say!(text, name.split_at(end).0, "\"]`");
}

const fn no_part(text: &mut Text, sample: Sample<'_>, family: &Descriptor) {
    let missing = match sample.suffix {
        Suffix::Sum => "sum",
        Suffix::Count => "count",
        Suffix::Bucket | Suffix::None => "buckets",
    };
    let no = if matches!(sample.suffix, Suffix::Bucket) { " and has no " } else { " and gives no " };
    say!(text, [sample.name], " is asked of ", [family.name], ", which is ", article(family.kind), no, missing);
    say!(text, "; write ", [family.name], ", or declare a histogram");
}

const fn no_beginning(text: &mut Text, families: &Families<'_>, prefix: &str) {
    say!(text, "no declared family gives a series whose name begins with ", [prefix]);
    let mut nearest = Nearest::new(prefix);
    let mut at = 0;
    while at < families.len() {
        nearest.offer_beginning(families.nth(at).name);
        at += 1;
    }
    match nearest.best() {
        Some(best) => say!(text, "; did you mean the beginning of ", [best.name], "?"),
        None => elsewhere(text, prefix),
    }
}

const fn no_label(text: &mut Text, families: &Families<'_>, label: &str, of: &[Sample<'_>], reads: Reads) {
    say!(text, place(reads), " names the label ", [label], ", which ");
    if of.len() > 1 {
        say!(text, if of.len() == 2 { "neither " } else { "none of " });
    }
    let mut at = 0;
    while at < of.len() && at < LISTED {
        if at > 0 {
            say!(text, if of.len() == 2 { " nor " } else { ", " });
        }
        say!(text, [of[at].name]);
        at += 1;
    }
    say!(
        text,
        if of.len() > LISTED {
            ", … has"
        } else if of.len() > 1 {
            " has"
        } else {
            " does not have"
        }
    );

    // Of all together, each once.
    let mut nearest = Nearest::new(label);
    let (mut listed, mut buckets, mut at) = (0, None, 0);
    while at < of.len() {
        // That each is declared was found before.
        if let Some(given) = families.gives(&of[at]) {
            let family = given.family();
            let mut position = 0;
            while position < family.labels.len() {
                let name = family.labels[position];
                if !listed_before(families, of, at, name) {
                    nearest.offer(name);
                    if listed == 0 {
                        say!(text, if of.len() > 1 { "; their labels are " } else { "; its labels are " }, [name]);
                    } else if listed < LISTED {
                        say!(text, ", ", [name]);
                    } else if listed == LISTED {
                        say!(text, ", …");
                    }
                    listed += 1;
                }
                position += 1;
            }
            if matches!(family.kind, Kind::Histogram) {
                buckets = Some(family);
            }
        }
        at += 1;
    }
    if listed == 0 {
        say!(text, "; it has no labels");
    }
    match (buckets, nearest.best()) {
        (Some(family), _) if same(label, "le") => {
            say!(text, "; `le` is on its buckets, write `", family.name, "_bucket`")
        }
        (_, Some(best)) => say!(text, "; did you mean ", [best.name], "?"),
        _ if listed == 0 => say!(text, ", leave ", [label], " out"),
        _ => {}
    }
}

/// Whether one of the samples before `end` has the label.
const fn listed_before(families: &Families<'_>, of: &[Sample<'_>], end: usize, label: &str) -> bool {
    let mut at = 0;
    while at < end {
        if let Some(given) = families.gives(&of[at])
            && has(given.family().labels, label)
        {
            return true;
        }
        at += 1;
    }
    false
}

/// Where a label is written.
const fn place(reads: Reads) -> &'static str {
    match reads {
        Reads::Matcher => "a matcher",
        Reads::By => "`by (…)`",
        Reads::Without => "`without (…)`",
        Reads::On => "`on (…)`",
        Reads::Ignoring => "`ignoring (…)`",
        Reads::Group => "`group_left (…)` or `group_right (…)`",
        Reads::Argument => "a function's argument",
        Reads::Template => "a legend or an annotation",
        Reads::Variable => "`label_values(…)`",
    }
}

const fn not_counting(text: &mut Text, family: &Descriptor, function: &str) {
    match family.kind {
        Kind::Info => {
            say!(
                text,
                [function],
                " is asked of the info ",
                [family.name],
                ", which is always 1; leave ",
                [function],
                " out"
            );
        }
        Kind::Summary => {
            say!(
                text,
                [function],
                " is asked of the quantiles of the summary ",
                [family.name],
                ", which do not count; "
            );
            say!(text, "write `", family.name, "_count` or `", family.name, "_sum`");
        }
        kind => {
            let instead = if same(function, "increase") {
                "delta"
            } else if same(function, "irate") {
                "idelta"
            } else {
                "deriv"
            };
            say!(
                text,
                [function],
                " is asked of the ",
                kind.as_str(),
                " ",
                [family.name],
                ", which goes up and down; "
            );
            say!(text, "write ", [instead], ", or declare a counter");
        }
    }
}

const fn only_grows(text: &mut Text, sample: Sample<'_>, given: Given<'_>) {
    let what = match given {
        Given::Itself(_) => " is a counter and ",
        Given::Part(_) => " counts and ",
    };
    say!(text, [sample.name], what, "is shown as it is, so the panel only shows that it grows; ");
    say!(text, "write `rate(", sample.name, "[$__rate_interval])` or `increase(", sample.name, "[$__range])`");
}

const fn not_buckets(text: &mut Text, sample: Sample<'_>, given: Given<'_>) {
    match given {
        Given::Part(family) => {
            say!(text, "`histogram_quantile` is asked of ", [sample.name], ", which has no buckets; ");
            say!(text, if has_part(family, Suffix::Bucket) { "write `" } else { "declare the histogram `" });
            say!(text, family.name, if has_part(family, Suffix::Bucket) { "_bucket`" } else { "`" });
        }
        Given::Itself(family) => {
            say!(text, "`histogram_quantile` is asked of the ", family.kind.as_str(), " ", [family.name]);
            say!(text, ", which has no buckets; declare a histogram");
        }
    }
}

const fn threshold(text: &mut Text, family: &Descriptor, comparison: Comparison, value: &str, why: Why) {
    let (symbol, always) = match comparison {
        Comparison::Above => (">", matches!(why, Why::BelowAll)),
        Comparison::AtLeast => (">=", matches!(why, Why::BelowAll)),
        Comparison::Below => ("<", matches!(why, Why::AboveHighest)),
        Comparison::AtMost => ("<=", matches!(why, Why::AboveHighest)),
        Comparison::Equal => ("==", false),
        Comparison::Unequal => ("!=", true),
    };
    let (lowest, highest) = (family.bounds[0], family.bounds[family.bounds.len() - 1]);
    match why {
        Why::AboveHighest => {
            say!(text, "no quantile of ", [family.name], " is above the highest bound");
            of_bound(text, highest);
        }
        Why::BelowAll if lowest > 0.0 => say!(text, "no quantile of ", [family.name], " is below zero"),
        Why::BelowAll => {
            say!(text, "no quantile of ", [family.name], " is below the lowest bound");
            of_bound(text, lowest);
        }
        Why::BelowLowest => {
            say!(text, "the buckets of ", [family.name], " tell nothing apart below the lowest bound");
            of_bound(text, lowest);
            say!(text, ", so `", symbol, " ", value, "` compares with what is only interpolated; ");
            say!(text, "compare with that bound or more, or declare a lower one");
            return;
        }
    }
    say!(text, ", so `", symbol, " ", value, "` is ", if always { "always" } else { "never" }, " true; ");
    match why {
        Why::AboveHighest => say!(text, "compare with less, or declare a higher bound"),
        _ => say!(text, "compare with more"),
    }
}

/// ``, `5.0` `` behind “the highest bound”; nothing where it cannot be written.
const fn of_bound(text: &mut Text, bound: f64) {
    if can_be_written(bound) {
        say!(text, ", `");
        push_bound(text, bound);
        say!(text, "`");
    }
}

const fn no_bound(text: &mut Text, family: &Descriptor, le: &str, value: f64, spelling: Option<&str>) {
    if let Some(spelling) = spelling {
        say!(
            text,
            "`le=\"",
            le,
            "\"` meets no series of `",
            family.name,
            "_bucket`, whose bound is written ",
            [spelling]
        );
        say!(text, "; write `le=\"", spelling, "\"`");
        return;
    }
    say!(text, "`le=\"", le, "\"` is no bound of ", [family.name], "; ");
    // All of them where they are few, else those beside the value.
    let few = family.bounds.len() <= LISTED;
    let mut above = 0;
    while above < family.bounds.len() && family.bounds[above] < value {
        above += 1;
    }
    let (first, end) = if few || value.is_nan() {
        (0, if few { family.bounds.len() } else { LISTED })
    } else {
        (above.saturating_sub(1), if above < family.bounds.len() { above + 1 } else { above })
    };
    say!(
        text,
        if few {
            "write one of "
        } else if value.is_nan() {
            "write one such as "
        } else {
            "write one beside it: "
        }
    );
    let mut at = first;
    while at < end {
        if can_be_written(family.bounds[at]) {
            say!(text, "`");
            push_bound(text, family.bounds[at]);
            say!(text, "`, ");
        }
        at += 1;
    }
    say!(text, if few { "`+Inf`" } else { "or `+Inf`" });
}

const fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "a counter",
        Kind::Gauge => "a gauge",
        Kind::Histogram => "a histogram",
        Kind::Info => "an info",
        Kind::Summary => "a summary",
        Kind::Unknown => "of an unknown kind",
    }
}
