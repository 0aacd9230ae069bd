//! `process.*`: <https://opentelemetry.io/docs/specs/semconv/resource/process/>

use opentelemetry::KeyValue;

pub(super) fn attributes() -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("process.pid", i64::from(std::process::id())),
        // There is no convention for Rust; the compiler is what has a version.
        KeyValue::new("process.runtime.name", "rustc"),
    ];
    let version = env!("TELEMETRY_RUSTC");
    attributes.extend((!version.is_empty()).then(|| KeyValue::new("process.runtime.version", version)));
    if let Ok(path) = std::env::current_exe() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        attributes.extend(name.map(|name| KeyValue::new("process.executable.name", name)));
        attributes.push(KeyValue::new("process.executable.path", path.to_string_lossy().into_owned()));
    }
    attributes.extend(owner().map(|name| KeyValue::new("process.owner", name)));
    attributes.extend(created().map(|time| KeyValue::new("process.creation.time", time)));
    attributes
}

#[cfg(unix)]
fn owner() -> Option<String> {
    // SAFETY: cannot fail.
    let user = unsafe { libc::geteuid() };
    named(&std::fs::read_to_string("/etc/passwd").ok()?, user)
}

#[cfg(not(unix))]
fn owner() -> Option<String> {
    std::env::var("USERNAME").ok().filter(|name| !name.is_empty())
}

/// Lines such as `www:x:33:33:…`.
#[cfg(unix)]
fn named(passwd: &str, user: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// When this process began, in ISO 8601.
#[cfg(target_os = "linux")]
fn created() -> Option<String> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses, which may hold any character. Field 22 is in ticks since the system began.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let system = std::fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // SAFETY: asks for a constant of the system.
    let per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok().filter(|&ticks| ticks > 0)?;
    Some(iso_8601(booted + ticks / per_second))
}

#[cfg(not(target_os = "linux"))]
fn created() -> Option<String> {
    None
}

/// Seconds since 1970 as a date and a time of day.
#[cfg(target_os = "linux")]
fn iso_8601(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn seconds_are_a_date() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(iso_8601(seconds), expected);
        }
        let created = created().unwrap();
        assert!(created.len() == 20 && created.starts_with("20"), "{created}");
    }

    #[cfg(unix)]
    #[test]
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# comment:x:7:7\nwww:x:33:33::/:\nbroken\n:x:8:8\n";
        for (user, expected) in [(0, Some("root")), (33, Some("www")), (7, None), (8, None), (1_000, None)] {
            assert_eq!(named(passwd, user).as_deref(), expected, "{user}");
        }
    }
}
