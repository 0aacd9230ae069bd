//! The machine's name.

/// The name that the system knows this machine by; `None` where it knows none.
#[cfg(unix)]
pub(crate) fn name() -> Option<String> {
    // 255: the longest name in POSIX (`_POSIX_HOST_NAME_MAX`), and one for the end.
    let mut name = [0u8; 256];
    // SAFETY: the array is as long as is said, and its last byte, which is not, stays 0.
    let failed = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } != 0;
    let len = name.iter().position(|&byte| byte == 0)?;
    let name = std::str::from_utf8(name.get(..len)?).ok()?;
    (!failed && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(not(unix))]
pub(crate) fn name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}
