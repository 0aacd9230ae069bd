//! Programs that end. Each is this executable once more, with `child` as its only test.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicUsize;

const PROGRAM: &str = "TELEMETRY_TEST_OF_EXIT";
/// Longer than anything here takes, and shorter than what hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs. It says `ready` when it waits for what is done to it.
struct Program {
    child: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
}

struct Ended {
    status: ExitStatus,
    output: String,
    error: String,
    took: Duration,
}

impl Program {
    fn start(name: &str) -> Program {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["exit::tests::child", "--exact", "--ignored", "--nocapture"]).env(PROGRAM, name);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What a shell starts in the background ignores SIGINT, and so would this.
        // SAFETY: async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                Ok(())
            })
        };
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Program { child, output }
    }

    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "ended before it said {word:?}");
        }
    }

    fn signal(&self, signal: libc::c_int) {
        let process = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: the process is a child of ours that nobody has waited for.
        assert_eq!(unsafe { libc::kill(process, signal) }, 0);
    }

    fn end(mut self) -> Ended {
        let began = Instant::now();
        let (mut output, mut error) = (String::new(), String::new());
        self.output.read_to_string(&mut output).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        Ended { status: self.child.wait().unwrap(), output, error, took: began.elapsed() }
    }
}

impl Ended {
    fn deliveries(&self) -> usize {
        self.output.matches("delivered").count()
    }
}

fn run(name: &str) -> Ended {
    Program::start(name).end()
}

fn at_signal(name: &str, signal: libc::c_int) -> Ended {
    let mut program = Program::start(name);
    program.wait_for("ready");
    program.signal(signal);
    program.end()
}

fn tell(word: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{word}").unwrap();
    output.flush().unwrap();
}

fn delivers(_: Duration) -> bool {
    tell("delivered");
    true
}

fn hangs(_: Duration) -> bool {
    tell("hangs");
    std::thread::sleep(PATIENCE);
    tell("delivered");
    true
}

/// Until a signal ends it, or the other end of standard input goes away.
fn wait_to_be_ended() -> ! {
    tell("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    std::process::exit(99)
}

static OWN: AtomicUsize = AtomicUsize::new(0);
static BEFORE_OWN: AtomicUsize = AtomicUsize::new(0);

/// A handler of the program's, which calls the one before it, as `signal-hook` does.
extern "C" fn own(signal: libc::c_int) {
    OWN.fetch_add(1, SeqCst);
    let before = BEFORE_OWN.load(SeqCst);
    if before > libc::SIG_IGN {
        // SAFETY: what was there was a handler without SA_SIGINFO, hence with this signature.
        let before = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(before) };
        before(signal);
    }
}

fn handle(signal: libc::c_int, handler: libc::sighandler_t) {
    // SAFETY: `own` is async-signal-safe, and the other values are no functions.
    BEFORE_OWN.store(unsafe { libc::signal(signal, handler) }, SeqCst);
}

#[crate::backfill_job]
fn runs_until_asked_to_stop(job: &crate::Job) {
    tell("ready");
    while !job.is_cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn wait_for_own_handler() -> ! {
    tell("ready");
    while OWN.load(SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::process::exit(7)
}

/// The exit status of a child that does this after a fork.
fn forked(child: impl FnOnce()) -> ExitStatus {
    // SAFETY: the child does little, and ends.
    let process = unsafe { libc::fork() };
    if process == 0 {
        child();
        // SAFETY: runs what `atexit` was given.
        unsafe { libc::exit(0) };
    }
    let mut status = 0;
    // SAFETY: the process is a child of ours; `status` has room for the answer.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    ExitStatus::from_raw(status)
}

#[test]
#[ignore = "the programs that the other tests start"]
fn child() {
    let own = own as *const () as libc::sighandler_t;
    let second = Duration::from_secs(30);
    match std::env::var(PROGRAM).unwrap_or_default().as_str() {
        "exits" => {
            let _armed = arm(delivers, second, true);
            std::process::exit(3)
        }
        "exits elsewhere" => {
            let _armed = arm(delivers, second, true);
            let _ = std::thread::spawn(|| std::process::exit(3)).join();
        }
        "forgets" => {
            std::mem::forget(arm(delivers, second, true));
            // SAFETY: as a return from `main` does.
            unsafe { libc::exit(0) }
        }
        "disarms" => {
            drop(arm(delivers, second, true));
            std::process::exit(4)
        }
        "arms twice" => {
            let first = arm(|_| panic!("replaced"), second, true);
            let _second = arm(delivers, second, true);
            drop(first);
            std::process::exit(3)
        }
        "hangs" => {
            let _armed = arm(hangs, Duration::from_millis(200), true);
            std::process::exit(5)
        }
        "fails" => {
            let _armed = arm(|_| false, second, true);
            std::process::exit(6)
        }
        "panics" => {
            let _armed = arm(|_| panic!("on purpose"), second, true);
            std::process::exit(6)
        }
        "waits" => {
            let _armed = arm(delivers, second, true);
            wait_to_be_ended()
        }
        "waits and hangs" => {
            let _armed = arm(hangs, Duration::from_millis(200), true);
            wait_to_be_ended()
        }
        "waits and hangs for long" => {
            let _armed = arm(hangs, PATIENCE, true);
            wait_to_be_ended()
        }
        "waits without signals" => {
            let _armed = arm(delivers, second, false);
            wait_to_be_ended()
        }
        "waits disarmed" => {
            drop(arm(delivers, second, true));
            wait_to_be_ended()
        }
        "handles" => {
            handle(libc::SIGTERM, own);
            let _armed = arm(delivers, second, true);
            wait_for_own_handler()
        }
        "handles later" => {
            let _armed = arm(delivers, second, true);
            handle(libc::SIGTERM, own);
            assert!(BEFORE_OWN.load(SeqCst) > libc::SIG_IGN, "ours was there");
            wait_for_own_handler()
        }
        "ignores" => {
            handle(libc::SIGTERM, libc::SIG_IGN);
            let _armed = arm(delivers, second, true);
            wait_to_be_ended()
        }
        "blocks" => {
            let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
            // SAFETY: there is room for the set, which is made before it is used.
            unsafe {
                libc::sigemptyset(set.as_mut_ptr());
                libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
                libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
            }
            let _armed = arm(delivers, second, true);
            handle(libc::SIGTERM, libc::SIG_DFL);
            assert_eq!(BEFORE_OWN.load(SeqCst), libc::SIG_DFL, "left as it was");
            handle(libc::SIGINT, own);
            assert_ne!(BEFORE_OWN.load(SeqCst), libc::SIG_DFL, "the other one was taken");
            std::process::exit(3)
        }
        "runs a job" => {
            let _armed = arm(delivers, second, true);
            runs_until_asked_to_stop();
            tell("stopped");
            wait_to_be_ended()
        }
        "forks" => {
            let _armed = arm(delivers, second, true);
            assert!(forked(|| ()).success());
            // SAFETY: ends the child, which has one thread.
            let status = forked(|| assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0));
            assert_eq!(status.signal(), Some(libc::SIGTERM), "{status:?}");
            tell("forked");
            let status = forked(|| {
                let _own = arm(
                    |_| {
                        tell("of the child");
                        true
                    },
                    Duration::from_secs(30),
                    true,
                );
                // SAFETY: the signal is for this process alone.
                unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
                std::thread::sleep(PATIENCE);
            });
            assert_eq!(status.signal(), Some(libc::SIGTERM), "{status:?}");
            std::process::exit(9)
        }
        "" => {}
        other => panic!("{other:?} is no program"),
    }
}

#[test]
fn exit_delivers_once_and_keeps_its_status() {
    for (name, status) in [("exits", 3), ("exits elsewhere", 3), ("forgets", 0), ("arms twice", 3)] {
        let ended = run(name);
        assert_eq!((ended.status.code(), ended.deliveries()), (Some(status), 1), "{name}: {}", ended.error);
        assert!(!ended.error.contains("telemetry: "), "{name}: {}", ended.error);
    }
}

#[test]
fn nothing_is_delivered_once_disarmed() {
    let ended = run("disarms");
    assert_eq!((ended.status.code(), ended.deliveries()), (Some(4), 0), "{}", ended.error);
    let ended = at_signal("waits disarmed", libc::SIGTERM);
    assert_eq!((ended.status.signal(), ended.deliveries()), (Some(libc::SIGTERM), 0), "{}", ended.error);
}

#[test]
fn a_delivery_that_hangs_is_left_at_the_deadline_and_told() {
    let ended = run("hangs");
    assert_eq!((ended.status.code(), ended.deliveries()), (Some(5), 0));
    assert!(ended.took < PATIENCE / 2, "{:?}", ended.took);
    let told = "telemetry: what was not sent within 200ms of the program's end is lost\n";
    assert_eq!(ended.error.matches(told).count(), 1, "{}", ended.error);
    let ended = at_signal("waits and hangs", libc::SIGTERM);
    assert_eq!((ended.status.signal(), ended.deliveries()), (Some(libc::SIGTERM), 0));
    assert_eq!(ended.error.matches(told).count(), 1, "{}", ended.error);
}

#[test]
fn a_delivery_that_fails_is_told() {
    for name in ["fails", "panics"] {
        let ended = run(name);
        assert_eq!(ended.status.code(), Some(6), "{name}");
        let told = "telemetry: not all could be sent at the program's end; the rest is lost\n";
        assert_eq!(ended.error.matches(told).count(), 1, "{name}: {}", ended.error);
    }
}

#[test]
fn signals_deliver_and_end_the_program_as_before() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let ended = at_signal("waits", signal);
        assert_eq!((ended.status.signal(), ended.deliveries()), (Some(signal), 1), "{}", ended.error);
    }
    let ended = at_signal("waits without signals", libc::SIGTERM);
    assert_eq!((ended.status.signal(), ended.deliveries()), (Some(libc::SIGTERM), 0), "{}", ended.error);
}

#[test]
fn a_second_signal_does_not_wait_for_the_delivery() {
    let mut program = Program::start("waits and hangs for long");
    program.wait_for("ready");
    program.signal(libc::SIGINT);
    program.wait_for("hangs");
    let began = Instant::now();
    // The first of these may count as the same stroke.
    while program.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE / 2, "waited");
        program.signal(libc::SIGTERM);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(program.end().status.signal(), Some(libc::SIGTERM));
}

#[test]
fn handlers_of_the_program_are_left_alone() {
    for name in ["handles", "handles later"] {
        let ended = at_signal(name, libc::SIGTERM);
        // It exits in its own time, and by that delivers.
        assert_eq!((ended.status.code(), ended.deliveries()), (Some(7), 1), "{name}: {}", ended.error);
    }
    // One that is blocked is waited for by other means.
    let ended = run("blocks");
    assert_eq!((ended.status.code(), ended.deliveries()), (Some(3), 1), "{}", ended.error);
    let mut program = Program::start("ignores");
    program.wait_for("ready");
    program.signal(libc::SIGTERM);
    drop(program.child.stdin.take());
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.deliveries()), (Some(99), 1), "{}", ended.error);
}

#[test]
fn a_job_gets_the_first_signal_and_the_program_the_next() {
    let mut program = Program::start("runs a job");
    program.wait_for("ready");
    program.signal(libc::SIGTERM);
    program.wait_for("stopped");
    program.wait_for("ready");
    program.signal(libc::SIGTERM);
    let ended = program.end();
    assert_eq!((ended.status.signal(), ended.deliveries()), (Some(libc::SIGTERM), 1), "{}", ended.error);
}

#[test]
fn a_child_of_a_fork_delivers_nothing_but_its_own() {
    let ended = run("forks");
    assert_eq!((ended.status.code(), ended.deliveries()), (Some(9), 1), "{}{}", ended.output, ended.error);
    let (before, after) = ended.output.split_once("forked").unwrap();
    assert!(!before.contains("delivered") && after.contains("of the child"), "{}", ended.output);
}
