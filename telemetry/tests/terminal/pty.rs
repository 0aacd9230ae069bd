//! Pseudo-terminals, and programs on them.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Makes the terminal the program's own: its standard streams, and what its session has.
pub fn put_on(command: &mut Command, terminal: &OwnedFd) {
    let stream = || Stdio::from(terminal.try_clone().unwrap());
    command.stdin(stream()).stdout(stream()).stderr(stream());
    let take_terminal = || {
        // SAFETY: both are async-signal-safe system calls: a session of its own, whose terminal is standard input.
        unsafe {
            libc::setsid();
            libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0);
        }
        Ok(())
    };
    // SAFETY: see above; nothing is allocated.
    unsafe { command.pre_exec(take_terminal) };
}

/// A terminal: our side, and that of programs.
pub fn open(columns: u16, lines: u16) -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let (name, attributes) = (std::ptr::null_mut(), std::ptr::null_mut());
    #[allow(clippy::unnecessary_mut_passed, reason = "some systems ask for it")]
    // SAFETY: there is room for both descriptors; the size is there.
    let opened =
        unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, attributes, (&raw const size).cast_mut()) };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: just opened, and nobody else's.
    let (ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    for descriptor in [ours.as_raw_fd(), theirs.as_raw_fd()] {
        // SAFETY: a descriptor of ours. Children of other tests are not to keep it open.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    (ours, theirs)
}
