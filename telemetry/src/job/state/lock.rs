//! Who has a state file: an advisory lock on a file beside it, which also says whose it is.
//!
//! Not on the state file itself, since each write puts another file in its place. The system gives the lock back when its
//! process ends, however that ends, so none is ever stale; the file beside may be left after `kill -9`, and means nothing then.
//!
//! An advisory lock is on the open file, and a child of a fork has its parent's open files: a child that lives on would keep
//! the lock after the parent's death. So the child closes its copy right after the fork. (Explicitly unlocking there would
//! unlock the parent. A lock by `fcntl` would not be handed down, but is lost as soon as anything in the process closes the file.)

use crate::job::state::error::StateError;
use crate::job::state::time;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
#[cfg(unix)]
use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

/// The lock on a state file. Given back when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// In a child of a fork it is its parent's.
    process: u32,
    #[cfg(unix)]
    held: held::Held,
    #[cfg(not(unix))]
    _file: File,
}

/// How often a lock file is looked for that its last holder takes away meanwhile.
const ATTEMPTS: usize = 100;
#[cfg(unix)]
/// How long whoever was refused waits for the holder to have written who it is.
const INTRODUCTION: Duration = Duration::from_millis(200);
#[cfg(unix)]
const PAUSE: Duration = Duration::from_millis(5);

impl Lock {
    /// Takes the lock for the state file `state`, for a run that began at `started_at`.
    pub(super) fn take(state: &Path, started_at: SystemTime) -> Result<Lock, StateError> {
        let mut name = state.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let path = state.with_file_name(name);
        for _ in 0..ATTEMPTS {
            if let Some(lock) = Lock::attempt(state, &path)? {
                lock.introduce(started_at)?;
                return Ok(lock);
            }
        }
        Err(StateError::InUse { place: state.into(), pid: None, started_at: None })
    }

    /// `None` where the file that was locked is no longer the one that others would lock.
    #[cfg(unix)]
    fn attempt(state: &Path, path: &Path) -> Result<Option<Lock>, StateError> {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        let failed = |error| StateError::io(path, "lock", error);
        let open = || {
            // Not through a link: where it leads, another state's lock may be.
            let mut options = File::options();
            options.create(true).truncate(false).read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)
        };
        let held = held::Held::open(open).map_err(failed)?;
        if !held.lock().map_err(failed)? {
            drop(held);
            return Err(in_use(state, path));
        }
        let own = held.file().metadata().map_err(failed)?;
        let is_same = fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino()));
        Ok(is_same.then(|| Lock { path: path.into(), process: std::process::id(), held }))
    }

    /// Elsewhere nobody is kept out.
    #[cfg(not(unix))]
    fn attempt(_: &Path, path: &Path) -> Result<Option<Lock>, StateError> {
        let open = File::options().create(true).truncate(false).read(true).write(true).open(path);
        let file = open.map_err(|error| StateError::io(path, "lock", error))?;
        Ok(Some(Lock { path: path.into(), process: std::process::id(), _file: file }))
    }

    #[cfg(unix)]
    fn file(&self) -> &File {
        self.held.file()
    }

    #[cfg(not(unix))]
    fn file(&self) -> &File {
        &self._file
    }

    /// Whether its file is still the one at its path.
    #[cfg(unix)]
    fn is_there(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (ours, there) = (self.file().metadata().map(id), fs::symlink_metadata(&self.path).map(id));
        ours.is_ok_and(|ours| there.is_ok_and(|there| ours == there))
    }

    #[cfg(not(unix))]
    fn is_there(&self) -> bool {
        true
    }

    /// Writes whose the lock is.
    fn introduce(&self, started_at: SystemTime) -> Result<(), StateError> {
        let text = format!("{} {}\n", self.process, time::seconds(started_at));
        let mut file = self.file();
        let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(|error| StateError::io(&self.path, "write", error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child of a fork has a copy.
        if self.process == std::process::id() {
            // While it is locked still: who opened it before sees, once locked, that it is gone. Where somebody has removed it, what is there now is another run's.
            if self.is_there() {
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}

#[cfg(unix)]
fn in_use(state: &Path, path: &Path) -> StateError {
    let (pid, started_at) = holder(path).unzip();
    StateError::InUse { place: state.into(), pid, started_at: started_at.flatten() }
}

#[cfg(unix)]
/// Who has the lock: the number of the process, and when its run began. What a holder that was killed left is not taken for it.
fn holder(path: &Path) -> Option<(u32, Option<SystemTime>)> {
    let patience = Instant::now() + INTRODUCTION;
    loop {
        let read = read(path).ok().and_then(|text| parse(&text));
        if read.is_some_and(|(pid, _)| lives(pid)) {
            return read;
        }
        if Instant::now() > patience {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(unix)]
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // What is longer is not ours.
    File::open(path)?.take(200).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn parse(text: &str) -> Option<(u32, Option<SystemTime>)> {
    // Without the end of the line it is being written.
    let (pid, started_at) = text.strip_suffix('\n')?.split_once(' ')?;
    Some((pid.parse().ok()?, started_at.parse().ok().and_then(time::at)))
}

/// Whether there is such a process. One of another user is there, too.
#[cfg(unix)]
fn lives(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is not sent.
    pid > 0 && (unsafe { libc::kill(pid, 0) } == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM))
}

/// Open files that a child of a fork closes.
#[cfg(unix)]
mod held {
    use crate::sync;
    use std::fs::File;
    use std::io;
    use std::mem::ManuallyDrop;
    use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
    use std::sync::Once;
    use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

    const NONE: i32 = -1;
    /// Somebody is about to put a file there.
    const TAKEN: i32 = -2;

    /// 1,000: a process may open some thousand files, and a job with a state has a file of its own besides.
    static ALL: [AtomicI32; 1_000] = [const { AtomicI32::new(NONE) }; 1_000];

    #[derive(Debug)]
    pub(super) struct Held {
        place: &'static AtomicI32,
        /// A child of a fork has closed its copy, and may have another file in that place.
        process: u32,
        /// Closed through its place alone: a child has closed it.
        file: ManuallyDrop<File>,
    }

    impl Held {
        pub(super) fn open(open: impl FnOnce() -> io::Result<File>) -> io::Result<Held> {
            static WATCHED: Once = Once::new();
            WATCHED.call_once(|| {
                // An interpreter does not fork.
                if cfg!(miri) {
                    return;
                }
                // SAFETY: the function is there as long as the program.
                unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
            });
            let free = |place: &&AtomicI32| place.compare_exchange(NONE, TAKEN, SeqCst, SeqCst).is_ok();
            let place = ALL.iter().find(free);
            let place = place.ok_or_else(|| io::Error::other("a process has at most 1,000 states open at once"))?;
            // No fork in between, where forks are watched: the child would not know of the file.
            let opened =
                sync::unforked(|| open().map(IntoRawFd::into_raw_fd).inspect(|file| place.store(*file, SeqCst)));
            match opened {
                Ok(file) => {
                    // SAFETY: it has just been opened, and is nobody else's.
                    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(file) });
                    Ok(Held { place, process: std::process::id(), file })
                }
                Err(error) => {
                    place.store(NONE, SeqCst);
                    Err(error)
                }
            }
        }

        /// `false` where another has it.
        pub(super) fn lock(&self) -> io::Result<bool> {
            // SAFETY: the descriptor is the open file's.
            if unsafe { libc::flock(self.file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
                return Ok(true);
            }
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) }
        }

        pub(super) fn file(&self) -> &File {
            &self.file
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            if self.process == std::process::id() {
                close(self.place);
            }
        }
    }

    fn close(place: &AtomicI32) {
        let file = place.swap(NONE, SeqCst);
        if file >= 0 {
            // SAFETY: whoever swapped it out closes it, and nobody else does.
            unsafe { libc::close(file) };
        }
    }

    /// What a signal handler may do: `close` and atomics.
    extern "C" fn in_child() {
        ALL.iter().for_each(close);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::job::state::tests::Folder;

    fn state(name: &str) -> (Folder, PathBuf) {
        let folder = Folder::new(&format!("lock-{name}"));
        let path = folder.path().join("state.json");
        (folder, path)
    }

    #[test]
    fn a_second_one_is_refused_with_the_first_ones_number_and_start() {
        let (_folder, path) = state("refused");
        let started_at = SystemTime::UNIX_EPOCH + Duration::from_secs(951_782_400);
        let first = Lock::take(&path, started_at).unwrap();
        let message = Lock::take(&path, SystemTime::now()).unwrap_err().to_string();
        let pid = std::process::id();
        let place = path.display();
        assert_eq!(
            message,
            format!(
                "the job's state {place} is in use by another run in this process ({pid}), started at 2000-02-29T00:00:00Z; wait until it \
                 has ended, or give this run a state of its own"
            )
        );
        drop(first);
        assert!(!path.with_file_name("state.json.lock").exists(), "the file beside is gone");
        Lock::take(&path, SystemTime::now()).unwrap();
    }

    #[test]
    fn what_a_killed_holder_left_is_no_lock() {
        let (_folder, path) = state("killed");
        fs::write(path.with_file_name("state.json.lock"), "1 951782400\n").unwrap();
        Lock::take(&path, SystemTime::now()).unwrap();
    }

    #[test]
    fn the_lock_file_is_not_reached_through_a_link() {
        let (folder, path) = state("link");
        let other = folder.path().join("other");
        fs::write(&other, "kept").unwrap();
        std::os::unix::fs::symlink(&other, path.with_file_name("state.json.lock")).unwrap();
        Lock::take(&path, SystemTime::now()).unwrap_err();
        assert_eq!(fs::read_to_string(other).unwrap(), "kept");
    }

    #[test]
    fn many_threads_take_turns() {
        let (_folder, path) = state("threads");
        let inside = std::sync::atomic::AtomicU32::new(0);
        let turns = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let Ok(_lock) = Lock::take(&path, SystemTime::now()) else { continue };
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(turns.into_inner() > 0);
    }
}
