//! Which spans are kept, and how large they may grow.
//!
//! The SDK's tracer provider reads some of this itself. It takes a word that it does not know for its default, and a share above 1 for 1, without a word
//! to anybody, since its log is not compiled in; and it does not read all limits. So it is told.

use super::read::Reader;
use crate::error::Error;
use std::ffi::OsString;

/// `OTEL_TRACES_SAMPLER`, with its argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampler {
    /// A span with a parent is sampled where that is.
    pub(crate) is_parent_based: bool,
    /// The share of the other traces that are sampled, 0 to 1.
    pub(crate) share: f64,
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler { is_parent_based: true, share: 1.0 }
    }
}

impl Sampler {
    pub(super) fn read(reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<Sampler, Error> {
        const VARIABLE: &str = "OTEL_TRACES_SAMPLER";
        /// `None`: the argument says how many.
        const CHOICES: [(&str, (bool, Option<f64>)); 6] = [
            ("always_on", (false, Some(1.0))),
            ("always_off", (false, Some(0.0))),
            ("traceidratio", (false, None)),
            ("parentbased_always_on", (true, Some(1.0))),
            ("parentbased_always_off", (true, Some(0.0))),
            ("parentbased_traceidratio", (true, None)),
        ];
        let takes = r#""always_on", "always_off", "traceidratio", or one of them after "parentbased_""#;
        let Some((is_parent_based, share)) = reader.choice(VARIABLE, takes, &CHOICES)? else {
            return Ok(Sampler::default());
        };
        let share = match share {
            Some(share) => share,
            None => Sampler::argument(reader)?,
        };
        Ok(Sampler { is_parent_based, share })
    }

    /// What is no share must be ignored, says the specification.
    fn argument(reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<f64, Error> {
        const VARIABLE: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(value) = reader.text(VARIABLE)? else { return Ok(1.0) };
        match value.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => reader.ignored(VARIABLE, value, r#"a share from 0 to 1, such as "0.25""#).map(|()| 1.0),
        }
    }

    /// As the SDK has it.
    pub(crate) fn of_sdk(self) -> opentelemetry_sdk::trace::Sampler {
        use opentelemetry_sdk::trace::Sampler as Sdk;
        let root = match self.share {
            share if share >= 1.0 => Sdk::AlwaysOn,
            share if share <= 0.0 => Sdk::AlwaysOff,
            share => Sdk::TraceIdRatioBased(share),
        };
        if self.is_parent_based { Sdk::ParentBased(Box::new(root)) } else { root }
    }
}

/// How many of each a span may have. <https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
    pub(crate) attributes_of_event: u32,
    pub(crate) attributes_of_link: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { attributes: 128, events: 128, links: 128, attributes_of_event: 128, attributes_of_link: 128 }
    }
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_, impl Fn(&str) -> Option<OsString>>) -> Result<Limits, Error> {
        let general = reader.count("OTEL_ATTRIBUTE_COUNT_LIMIT")?.unwrap_or(128);
        Ok(Limits {
            attributes: reader.count("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT")?.unwrap_or(general),
            events: reader.count("OTEL_SPAN_EVENT_COUNT_LIMIT")?.unwrap_or(128),
            links: reader.count("OTEL_SPAN_LINK_COUNT_LIMIT")?.unwrap_or(128),
            attributes_of_event: reader.count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT")?.unwrap_or(general),
            attributes_of_link: reader.count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT")?.unwrap_or(general),
        })
    }

    /// As the SDK has them.
    pub(crate) fn of_sdk(self) -> opentelemetry_sdk::trace::SpanLimits {
        opentelemetry_sdk::trace::SpanLimits {
            max_events_per_span: self.events,
            max_attributes_per_span: self.attributes,
            max_links_per_span: self.links,
            max_attributes_per_event: self.attributes_of_event,
            max_attributes_per_link: self.attributes_of_link,
        }
    }
}
