//! What a program says about itself: OpenTelemetry's resource.
//! <https://opentelemetry.io/docs/specs/semconv/resource/>
//!
//! Names are those of the semantic conventions, as the pages beside each part have them. What somebody configured wins over what is found out here, and
//! what cannot be found out is left out. Of the command line nothing is said (`process.command`, `process.command_args`): it may hold secrets. The user's
//! name is looked up in `/etc/passwd` alone, since a directory on the network may hang.

mod container; // which container this is
mod host; // the machine and its system
mod process; // this process

use crate::record::fork::Process;
use crate::sync::{Mutex, lock};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::time::SystemTime;

/// What was configured, and what was found out. In a child of a fork it is another one: `process.pid` and `service.instance.id` are its own.
pub(crate) fn resource(configured: &BTreeMap<String, String>) -> Resource {
    let mut attributes = BTreeMap::<Key, Value>::new();
    let found = sdk().into_iter().chain(process::attributes()).chain(host::attributes());
    attributes.extend(found.map(|KeyValue { key, value, .. }| (key, value)));
    attributes.extend(container::id().map(|id| (Key::from("container.id"), id.into())));
    attributes.insert("service.instance.id".into(), instance().into());
    attributes.extend(configured.iter().map(|(key, value)| (key.clone().into(), value.clone().into())));
    let attributes = attributes.into_iter().map(|(key, value)| KeyValue::new(key, value));
    Resource::builder_empty().with_attributes(attributes).build()
}

/// <https://opentelemetry.io/docs/specs/semconv/resource/#telemetry-sdk>: the name `opentelemetry` is for OpenTelemetry's own.
fn sdk() -> [KeyValue; 3] {
    [
        KeyValue::new("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ]
}

/// `service.instance.id`: a random UUID, made once in a process. <https://opentelemetry.io/docs/specs/semconv/resource/#service>
fn instance() -> String {
    static MADE: Mutex<Option<(u32, Process, String)>> = Mutex::new(None);
    let (id, process) = (std::process::id(), Process::current());
    let mut made = lock(&MADE);
    match &*made {
        Some((of_id, of_process, instance)) if (*of_id, *of_process) == (id, process) => instance.clone(),
        _ => {
            let instance = uuid(random());
            *made = Some((id, process, instance.clone()));
            instance
        }
    }
}

/// From the system; where that gives none, from what the standard library seeds its tables with, and what a sibling does not share.
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).is_err() {
        let own = (std::process::id(), SystemTime::now());
        bytes[..8].copy_from_slice(&RandomState::new().hash_one(own).to_ne_bytes());
        bytes[8..].copy_from_slice(&RandomState::new().hash_one(own).to_ne_bytes());
    }
    bytes
}

/// Version 4 of RFC 9562, <https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-4>.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = crate::record::exemplar::Hex(&bytes).to_string();
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(resource: &Resource, key: &'static str) -> Option<String> {
        resource.get(&Key::from(key)).map(|value| value.to_string())
    }

    #[test]
    fn what_is_configured_wins_over_what_is_found_out() {
        let configured = [("service.name", "flights"), ("host.name", "given"), ("my.own", "1")];
        let configured = configured.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let resource = resource(&BTreeMap::from(configured));
        for (key, value) in [
            ("service.name", "flights"),
            ("host.name", "given"),
            ("my.own", "1"),
            ("telemetry.sdk.name", "telemetry"),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ] {
            assert_eq!(text(&resource, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(resource.get(&"process.pid".into()), Some(Value::I64(std::process::id().into())));
        assert!(text(&resource, "process.executable.path").is_some_and(|path| path.starts_with('/')));
        let keys: Vec<_> = resource.iter().map(|(key, _)| key.as_str()).collect();
        for absent in ["process.command", "process.command_args", "process.command_line"] {
            assert!(!keys.contains(&absent), "{absent}");
        }
        for (key, value) in &resource {
            assert!(!value.to_string().is_empty(), "{key} says nothing");
        }
    }

    #[test]
    fn an_instance_is_a_random_uuid_and_stays_the_same() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_ne!(random(), random());
        let of = || text(&resource(&BTreeMap::new()), "service.instance.id");
        assert_eq!((of().map(|id| id.len()), of()), (Some(36), of()));
    }

    #[cfg(unix)]
    #[test]
    fn a_child_of_a_fork_is_another_instance() {
        use std::io::{Read, Write};
        use std::os::unix::net::UnixStream;
        crate::record::fork::watch();
        let (mut read, mut write) = UnixStream::pair().unwrap();
        let mine = instance();
        // SAFETY: the child reads a file, writes a few bytes, and is gone.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let _ = write.write_all(instance().as_bytes());
            // SAFETY: ends the child without what its parent has to do at exit.
            unsafe { libc::_exit(0) };
        }
        drop(write);
        let mut its = String::new();
        read.read_to_string(&mut its).unwrap();
        let mut status = 0;
        // SAFETY: the process is a child of ours; `status` has room for the answer.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(its.len(), 36);
        assert_ne!(its, mine);
    }
}
