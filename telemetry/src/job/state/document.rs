//! What stands in a state file.
//!
//! ```json
//! {
//!   "checkpoints": { "day": "2013-03-01" },
//!   "job": "flights",
//!   "last_success_timestamp_seconds": 1763879604.123,
//!   "telemetry_job_state": 1,
//!   "unfinished": true,
//!   "updated_at": "2026-11-22T23:10:04Z"
//! }
//! ```
//! Members that this version does not know are kept: a person's notes are not ours to lose.

use crate::job::state::time;
use serde_json::{Map, Value};
use std::time::SystemTime;

/// The member that makes a file ours. Its value is the version.
const MARK: &str = "telemetry_job_state";
const VERSION: u64 = 1;

const JOB: &str = "job";
const CHECKPOINTS: &str = "checkpoints";
const LAST_SUCCESS: &str = "last_success_timestamp_seconds";
/// Whether the checkpoints are those of a run that has not succeeded.
const UNFINISHED: &str = "unfinished";
/// For people, and for the line that says that a run resumes.
const UPDATED_AT: &str = "updated_at";

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document {
    pub(super) checkpoints: Map<String, Value>,
    pub(super) last_success: Option<SystemTime>,
    pub(super) unfinished: bool,
    pub(super) updated_at: Option<String>,
    others: Map<String, Value>,
}

/// Why a file is not the state of a job.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    /// The middle of a sentence: `is not JSON (…)`.
    pub(super) why: String,
    /// The end of one.
    pub(super) advice: &'static str,
}

const REPAIR: &str = "mend it, or move it away to have the job start from the beginning";
const OTHER: &str = "name a file of the job's own, or move this one away";

fn wrong<T>(why: impl Into<String>, advice: &'static str) -> Result<T, Wrong> {
    Err(Wrong { why: why.into(), advice })
}

impl Document {
    /// Reads what [`text`](Document::text) wrote.
    pub(super) fn parse(text: &[u8], job: &str) -> Result<Document, Wrong> {
        if text.is_empty() {
            return wrong("is empty", REPAIR);
        }
        let mut members = match serde_json::from_slice(text) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return wrong("is JSON, but no object", OTHER),
            Err(error) => return wrong(format!("is not JSON ({error})"), REPAIR),
        };
        match members.remove(MARK) {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            Some(version) => {
                let why = format!("has the version {version}, and this program knows {VERSION}");
                return wrong(
                    why,
                    "run the job with the program that wrote it, or move it away to start from the beginning",
                );
            }
            None => return wrong(format!("is not the state of a job, which has the member \"{MARK}\""), OTHER),
        }
        match members.remove(JOB) {
            Some(Value::String(name)) if name == job => {}
            Some(Value::String(name)) => return wrong(format!("is that of the job `{name}`, not of `{job}`"), OTHER),
            _ => return wrong(format!("does not say whose it is: \"{JOB}\" has to be the name of the job"), REPAIR),
        }
        let checkpoints = match members.remove(CHECKPOINTS) {
            Some(Value::Object(checkpoints)) => checkpoints,
            _ => return wrong(format!("has no checkpoints: \"{CHECKPOINTS}\" has to be an object"), REPAIR),
        };
        let last_success = match members.remove(LAST_SUCCESS) {
            None => None,
            Some(value) => match value.as_f64().and_then(time::at) {
                Some(at) => Some(at),
                None => {
                    return wrong(
                        format!("has {value} as \"{LAST_SUCCESS}\", which has to be seconds since 1970"),
                        REPAIR,
                    );
                }
            },
        };
        let unfinished = match members.remove(UNFINISHED) {
            None => !checkpoints.is_empty(),
            Some(Value::Bool(unfinished)) => unfinished,
            Some(value) => {
                return wrong(format!("has {value} as \"{UNFINISHED}\", which has to be true or false"), REPAIR);
            }
        };
        let updated_at = members.remove(UPDATED_AT).and_then(|at| at.as_str().map(str::to_owned));
        Ok(Document { checkpoints, last_success, unfinished, updated_at, others: members })
    }

    /// What stands in the file from `now` on.
    pub(super) fn text(&self, job: &str, now: SystemTime) -> serde_json::Result<Vec<u8>> {
        let mut members = self.others.clone();
        let mut put = |name: &str, value| members.insert(name.to_owned(), value);
        put(MARK, VERSION.into());
        put(JOB, job.into());
        put(CHECKPOINTS, self.checkpoints.clone().into());
        put(UNFINISHED, self.unfinished.into());
        put(UPDATED_AT, time::text(now).into());
        if let Some(at) = self.last_success {
            put(LAST_SUCCESS, time::seconds(at).into());
        }
        let mut text = serde_json::to_vec_pretty(&members)?;
        text.push(b'\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn why(text: &str) -> String {
        let wrong = Document::parse(text.as_bytes(), "flights").unwrap_err();
        assert!(!wrong.advice.is_empty());
        wrong.why
    }

    #[test]
    fn a_document_is_the_same_after_it_was_written_and_read() {
        let mut document = Document { unfinished: true, ..Document::default() };
        let largest = Value::from(u64::MAX);
        let values = [
            ("text", "2013-03-01 é\n\"".into()),
            ("most", largest),
            ("least", i64::MIN.into()),
            ("third", (1.0 / 3.0).into()),
        ];
        for (key, value) in values {
            document.checkpoints.insert(key.into(), value);
        }
        document.last_success = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_879_604_500));
        document.others.insert("note".into(), "do not delete".into());
        let text = document.text("flights", SystemTime::UNIX_EPOCH).unwrap();
        document.updated_at = Some("1970-01-01T00:00:00Z".into());
        assert_eq!(Document::parse(&text, "flights"), Ok(document));
    }

    #[test]
    fn what_is_no_state_of_the_job_says_why() {
        assert_eq!(why(""), "is empty");
        assert!(why("{\n  \"telemetry_job_state\": 1,").starts_with("is not JSON (EOF while parsing"));
        assert!(why("\u{1}").starts_with("is not JSON"));
        assert_eq!(why("[1]"), "is JSON, but no object");
        assert_eq!(why("{\"a\": 1}"), "is not the state of a job, which has the member \"telemetry_job_state\"");
        assert_eq!(why("{\"telemetry_job_state\": 2}"), "has the version 2, and this program knows 1");
        assert_eq!(
            why("{\"telemetry_job_state\": 1, \"job\": \"planes\", \"checkpoints\": {}}"),
            "is that of the job `planes`, not of `flights`"
        );
        assert!(why("{\"telemetry_job_state\": 1}").starts_with("does not say whose it is"));
        assert!(
            why("{\"telemetry_job_state\": 1, \"job\": \"flights\", \"checkpoints\": 7}")
                .starts_with("has no checkpoints")
        );
        let with = |member: &str| {
            format!("{{\"telemetry_job_state\": 1, \"job\": \"flights\", \"checkpoints\": {{}}, {member}}}")
        };
        assert!(why(&with("\"last_success_timestamp_seconds\": \"x\"")).starts_with("has \"x\" as"));
        assert!(why(&with("\"last_success_timestamp_seconds\": -1")).starts_with("has -1 as"));
        assert!(why(&with("\"unfinished\": 1")).starts_with("has 1 as"));
    }
}
