//! The bytes that the calling thread has read and written.
//!
//! `rchar` and `wchar` of `/proc/thread-self/io` (proc_pid_io(5), <https://man7.org/linux/man-pages/man5/proc_pid_io.5.html>): what `read`, `write` and
//! their like returned, from files, pipes and terminals, whether a disk was involved or the page cache served it: what the code asked for. The
//! file's `read_bytes` and `write_bytes` are what reached a disk, often later and on a thread of the kernel.
//!
//! Not in it: sockets that are read and written by `recv` and `send`, as the standard library's are; `mmap`; `io_uring`.
//!
//! A reading is one `pread` of a file that is kept open, a few µs. Files are kept by as many threads as the limits below allow; further threads open
//! and close one at each reading. Without the file (another system, a kernel that does not count, a sandbox) the families are absent.

use crate::record::thread::Thread;

/// Bytes read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) read: u64,
    pub(super) written: u64,
}

/// Why there is no reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The system does not tell, and never will.
    Never,
    /// No file could be opened this time.
    NotNow,
}

/// Finds `rchar` and `wchar`, which are the first two lines: `rchar: 7563\nwchar: 95\nsyscr: …`.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there is nothing to read elsewhere"))]
fn parse(text: &[u8]) -> Option<Bytes> {
    let (read, rest) = number(text.strip_prefix(b"rchar: ")?)?;
    let (written, _) = number(rest.strip_prefix(b"wchar: ")?)?;
    Some(Bytes { read, written })
}

/// A number and what follows the end of its line.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|&byte| byte == b'\n')?;
    let (digits, rest) = (&text[..end], &text[end + 1..]);
    let digit = |&byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let number = digits.iter().try_fold(0u64, |number, byte| number.checked_mul(10)?.checked_add(digit(byte)?));
    number.filter(|_| !digits.is_empty()).map(|number| (number, rest))
}

#[cfg(target_os = "linux")]
pub(super) use files::read;
#[cfg(target_os = "linux")]
pub(crate) use files::{close, forget};

/// What the calling thread has read and written, the readings of this file included: what each adds is in `Thread::probe_bytes`.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(_: &Thread) -> Result<Bytes, Unread> {
    Err(Unread::Never)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn close(_: &Thread) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn forget(_: &Thread) {}

#[cfg(target_os = "linux")]
mod files {
    use super::{Bytes, Thread, Unread, parse};
    use crate::sync::{AtomicBool, AtomicI32, Relaxed};
    use std::ffi::c_int;

    /// At most so many files are open at once.
    const MOST: usize = 64;
    /// And no more than this part of what the process may open.
    const PART_OF_LIMIT: u64 = 10;
    /// Of the places one in so many, but at least one, is for threads that keep none.
    const PART_FOR_OTHERS: usize = 8;

    /// Room for all seven numbers at 20 digits; the first two are what is looked at.
    const TEXT: usize = 256;

    const FREE: c_int = -1;
    /// Somebody is about to open a file here.
    const TAKEN: c_int = -2;

    /// The open files. Who has put `TAKEN` into a place owns it until `FREE` is put back.
    static FILES: [AtomicI32; MOST] = [const { AtomicI32::new(FREE) }; MOST];
    /// True once a file was opened, and once it was found that there is none.
    static EXISTS: AtomicBool = AtomicBool::new(false);
    static IS_MISSING: AtomicBool = AtomicBool::new(false);

    /// What the calling thread has read and written, the readings of this file included: what each adds is in `Thread::probe_bytes`.
    pub(in crate::record::probe) fn read(thread: &Thread) -> Result<Bytes, Unread> {
        #[cfg(test)]
        if let Some(bytes) = super::super::fake::io(thread) {
            return Ok(bytes);
        }
        if let Some(file) = thread.io_file.get().checked_sub(1).and_then(|place| FILES.get(place)) {
            return pread(file.load(Relaxed), thread);
        }
        // An interpreter has no such file.
        if cfg!(miri) || IS_MISSING.load(Relaxed) {
            return Err(Unread::Never);
        }
        let limit = limit();
        let place = (0..limit).find(|&place| {
            FILES.get(place).is_some_and(|file| file.compare_exchange(FREE, TAKEN, Relaxed, Relaxed).is_ok())
        });
        let place = place.ok_or(Unread::NotNow)?;
        let file = &FILES[place];
        let opened = open();
        let bytes = opened.and_then(|opened| {
            file.store(opened, Relaxed);
            pread(opened, thread)
        });
        if bytes.is_ok() && !thread.is_ended() && place < limit - (limit / PART_FOR_OTHERS).max(1) {
            thread.io_file.set(place + 1);
        } else {
            give_back(file);
        }
        bytes
    }

    /// Gives back the file of a thread that ends.
    pub(crate) fn close(thread: &Thread) {
        if let Some(file) = thread.io_file.replace(0).checked_sub(1).and_then(|place| FILES.get(place)) {
            give_back(file);
        }
    }

    /// Closes what a child has from its parent: a file tells of the thread that opened it, which is the parent's.
    pub(crate) fn forget(thread: &Thread) {
        thread.io_file.set(0);
        FILES.iter().for_each(give_back);
    }

    fn give_back(file: &AtomicI32) {
        let open = file.load(Relaxed);
        if open >= 0 {
            // SAFETY: the file is ours and is not used again: its place is given back after this alone.
            unsafe { libc::close(open) };
        }
        file.store(FREE, Relaxed);
    }

    /// How many files may be open.
    fn limit() -> usize {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writes to the limit that it is given, which lives.
        let told = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        let part = if told == 0 { limit.rlim_cur / PART_OF_LIMIT } else { 0 };
        usize::try_from(part).unwrap_or(MOST).min(MOST)
    }

    fn open() -> Result<c_int, Unread> {
        // SAFETY: the path ends with a zero.
        let file = unsafe { libc::open(c"/proc/thread-self/io".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        if file >= 0 {
            EXISTS.store(true, Relaxed);
            return Ok(file);
        }
        // SAFETY: the address of this thread's error number is valid.
        let error = unsafe { *libc::__errno_location() };
        missing(error)
    }

    /// Whether a file that could not be opened or read never will be.
    fn missing(error: c_int) -> Result<c_int, Unread> {
        let lasting = matches!(error, libc::ENOENT | libc::EACCES | libc::EPERM | libc::ENOSYS | libc::ENOTDIR);
        if lasting && !EXISTS.load(Relaxed) {
            IS_MISSING.store(true, Relaxed);
            return Err(Unread::Never);
        }
        Err(Unread::NotNow)
    }

    fn pread(file: c_int, thread: &Thread) -> Result<Bytes, Unread> {
        let mut text = [0u8; TEXT];
        // SAFETY: writes at most as many bytes as there are to the array, which lives. A descriptor that the program closed behind our back gives an
        // error, or another file's bytes, which do not parse.
        let length = unsafe { libc::pread(file, text.as_mut_ptr().cast(), TEXT, 0) };
        let length = usize::try_from(length).map_err(|_| Unread::NotNow)?;
        thread.probe_bytes.set(thread.probe_bytes.get().wrapping_add(length as u64));
        text.get(..length).and_then(parse).ok_or(Unread::NotNow)
    }

    #[cfg(all(test, not(miri)))]
    mod tests {
        use super::*;
        use crate::record::thread;

        fn open_files() -> usize {
            let folder = std::fs::read_dir("/proc/self/fd").unwrap();
            folder.filter(|file| is_ours(&file.as_ref().unwrap().path())).count()
        }

        fn is_ours(file: &std::path::Path) -> bool {
            std::fs::read_link(file).is_ok_and(|file| file.starts_with("/proc") && file.ends_with("io"))
        }

        #[test]
        fn what_a_thread_reads_is_seen_but_for_what_the_readings_read() {
            std::thread::spawn(|| {
                thread::with(|thread| {
                    let before = (read(thread).unwrap(), thread.probe_bytes.get());
                    let file = std::fs::read("/proc/self/maps").unwrap();
                    for _ in 0..10 {
                        read(thread).unwrap();
                    }
                    let (after, own) = (read(thread).unwrap(), thread.probe_bytes.get());
                    // The last reading counts after it was made, the first one was counted after it was made.
                    let last = own - before.1;
                    let each = last / 11;
                    let seen = after.read - before.0.read;
                    let exact = file.len() as u64 + (last - each) + each;
                    assert!(seen.abs_diff(exact) <= 11 * 4, "{seen} for {exact}");
                    assert_eq!(after.written, before.0.written);
                    close(thread);
                });
            })
            .join()
            .unwrap();
        }

        #[test]
        fn no_more_files_are_open_than_allowed_and_threads_beyond_read_too() {
            let together = std::sync::Barrier::new(100);
            let read_all = |_| {
                let seen = thread::with(read);
                together.wait();
                let files = open_files();
                together.wait();
                let again = thread::with(read);
                thread::with(close);
                (seen, files, again)
            };
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..100).map(|n| scope.spawn(move || read_all(n))).collect();
                for thread in threads {
                    let (seen, files, again) = thread.join().unwrap();
                    assert!(files <= MOST, "{files} files");
                    for reading in [seen, again] {
                        // A place may be taken by others just then; that is counted by the caller.
                        assert!(reading.is_ok() || reading == Err(Unread::NotNow), "{reading:?}");
                    }
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_lines_are_read_and_anything_else_is_refused() {
        let text = b"rchar: 7563\nwchar: 95\nsyscr: 16\nsyscw: 2\nread_bytes: 0\n";
        assert_eq!(parse(text), Some(Bytes { read: 7563, written: 95 }));
        for text in [
            "",
            "rchar: 7563\nwchar: 95",
            "rchar: \nwchar: 95\n",
            "wchar: 95\nrchar: 7563\n",
            "rchar: 7x\nwchar: 95\n",
            "rchar: 18446744073709551616\nwchar: 0\n",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
