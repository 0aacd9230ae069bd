//! Which process an entry is of, and whether it still runs.
//!
//! A number alone says little: it is given again. With the time of the process' start, the boot of the system and the namespace in which the number
//! counts, it is one process. What another machine or another container has published cannot be seen from here, and is left alone.

use std::fmt::Write;

/// The mark of this process: `pid-start-namespace-boot-host`.
pub(super) fn mark() -> String {
    let pid = std::process::id();
    let mut mark = format!("{pid}-{}-", started(pid).unwrap_or(0));
    // Cannot fail: a `String` takes all.
    let _ = write!(mark, "{}", Here::get());
    mark
}

/// Whether the process of this mark is known not to run any more.
pub(super) fn is_gone(mark: &str) -> bool {
    let mut parts = mark.splitn(3, '-');
    let (Some(pid), Some(start), Some(place)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let (Ok(pid), Ok(start)) = (pid.parse::<u32>(), start.parse::<u64>()) else { return false };
    let here = Here::get();
    if place == here.to_string() {
        return !runs(pid, start);
    }
    // The same machine before it was started anew.
    let mut parts = place.splitn(3, '-');
    let (Some(_), Some(boot), Some(host)) = (parts.next(), parts.next(), parts.next()) else { return false };
    !here.boot.is_empty() && !boot.is_empty() && boot != here.boot && host == here.host
}

/// Where this process runs.
struct Here {
    namespace: String,
    boot: String,
    host: String,
}

impl Here {
    fn get() -> Here {
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect();
        // `pid:[4026531836]`.
        let namespace = std::fs::read_link("/proc/self/ns/pid").map(|link| digits(link.to_string_lossy().into_owned()));
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let boot = boot.map(|boot| boot.chars().filter(char::is_ascii_hexdigit).collect());
        // What may stand in the name of a file.
        let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
        let host = crate::host::name().unwrap_or_default().chars().map(allowed).collect();
        Here { namespace: namespace.unwrap_or_default(), boot: boot.unwrap_or_default(), host }
    }
}

impl std::fmt::Display for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.namespace, self.boot, self.host)
    }
}

/// When a process started, in ticks since the system did; `None` where there is none, or it has ended and nobody has asked how.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold any character.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // Field 3, the state, and field 22.
    let state = fields.next()?;
    if ["Z", "X", "x"].contains(&state) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Nobody tells.
#[cfg(not(target_os = "linux"))]
fn started(_pid: u32) -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn runs(pid: u32, start: u64) -> bool {
    started(pid) == Some(start)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn runs(pid: u32, _start: u64) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is not sent: only whether it could be is asked.
    let missing = unsafe { libc::kill(pid, 0) } != 0;
    !(missing && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH))
}

/// Nobody tells.
#[cfg(not(unix))]
fn runs(_pid: u32, _start: u64) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_gone_when_it_was_killed_also_before_anybody_asked_how_it_ended() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mark = format!("{}-{}-{}", child.id(), started(child.id()).unwrap(), Here::get());
        assert!(!is_gone(&mark) && !is_gone(&super::mark()));
        child.kill().unwrap();
        while !is_gone(&mark) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_gone(&mark));
    }

    #[test]
    fn another_process_of_the_same_number_is_not_the_one() {
        let pid = std::process::id();
        let start = started(pid).unwrap();
        assert!(is_gone(&format!("{pid}-{}-{}", start + 1, Here::get())));
    }

    #[test]
    fn what_cannot_be_seen_from_here_is_left_alone_but_for_an_earlier_boot_of_this_machine() {
        let Here { namespace, boot, host } = Here::get();
        for mark in [
            format!("1-2-{namespace}1-{boot}-{host}"),
            format!("1-2-{namespace}-{boot}-{host}x"),
            "1-2".to_owned(),
            "x-2-3-4-5".to_owned(),
            String::new(),
        ] {
            assert!(!is_gone(&mark), "{mark}");
        }
        assert!(is_gone(&format!("1-2-{namespace}-{boot}0-{host}")));
    }
}
