//! What the library says of the process, its allocator, its control group and its runtimes.

use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Kind, Report, snapshot, testing};

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

/// What the process does is every test's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn value(name: &str) -> f64 {
    testing::value(name, &[]).unwrap_or_else(|| panic!("{name} is absent"))
}

fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        black_box(0);
    }
}

fn sampler_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).filter(|name| name.trim() == "telemetry-sampl").count()
}

#[test]
fn the_standard_names_are_there_with_what_the_system_says() {
    let _alone = alone();
    let page = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident = page.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0;
    let seen = value("process_resident_memory_bytes");
    assert!((seen / resident - 1.0).abs() < 0.5, "{seen} and {resident}");
    assert!(value("process_resident_memory_peak_bytes") >= seen * 0.9);
    assert!(value("process_virtual_memory_bytes") >= seen);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - value("process_start_time_seconds");
    assert!((0.0..600.0).contains(&age), "{age}");
    assert!(value("process_threads") >= 2.0);
    let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/exe").unwrap()).collect();
    assert!(value("process_open_fds") >= 50.0 && value("process_open_fds") < value("process_max_fds"));
    drop(files);
    for (name, labels) in [
        ("process_page_faults_total", [("severity", "minor")]),
        ("process_context_switches_total", [("cause", "voluntary")]),
    ] {
        assert!(testing::value(name, &labels) > Some(0.0), "{name}");
        assert_eq!(snapshot().family(name).unwrap().kind, Kind::Counter);
    }
}

#[test]
fn bytes_of_io_are_those_that_were_read() {
    let _alone = alone();
    let before = value("process_io_read_bytes_total");
    let file = std::env::current_exe().unwrap();
    let bytes = std::fs::read(file).unwrap().len() as f64;
    let read = value("process_io_read_bytes_total") - before;
    assert!(read >= bytes && read < bytes * 2.0 + 1e7, "{read} for {bytes}");
}

#[test]
fn cpu_usage_is_right_from_the_first_reading_on_and_one_thread_samples() {
    let _alone = alone();
    // The first of this process: since its start, and never a zero that nobody measured.
    spin(Duration::from_millis(200));
    assert!(value("process_cpu_usage_ratio") > 0.05);
    let builder = telemetry::builder().listen("off").report(Report::Off);
    let telemetry = builder.sample_period(Some(Duration::from_millis(250))).init().unwrap();
    let before = value("process_cpu_seconds_total");
    thread::scope(|scope| {
        (0..2).for_each(|_| drop(scope.spawn(|| spin(Duration::from_millis(1_000)))));
        thread::sleep(Duration::from_millis(800));
        // Two threads that spin, on however many CPUs there are for them.
        let ratio = value("process_cpu_usage_ratio");
        assert!(ratio > 0.2 && ratio < 4.0, "{ratio}");
    });
    assert!(value("process_cpu_seconds_total") > before);
    if cfg!(target_os = "linux") {
        assert_eq!(sampler_threads(), 1);
    }
    drop(telemetry);
    if cfg!(target_os = "linux") {
        assert_eq!(sampler_threads(), 0, "it ends with the guard");
    }
    // And it is read when somebody asks.
    let files = value("process_open_fds");
    let more: Vec<_> = (0..100).map(|_| std::fs::File::open("/proc/self/exe").unwrap()).collect();
    assert!(value("process_open_fds") > files + 50.0);
    drop(more);
}

#[test]
fn the_allocator_is_counted_over_all_threads() {
    let _alone = alone();
    const KEPT: usize = 32 << 20;
    let bytes = || value("allocator_allocated_bytes_total");
    let (before, live) = (bytes(), value("allocator_live_bytes"));
    let kept = thread::spawn(|| vec![1u8; KEPT]).join().unwrap();
    let allocated = bytes() - before;
    assert!(allocated >= KEPT as f64 && allocated < KEPT as f64 * 1.5, "{allocated}");
    let grown = value("allocator_live_bytes") - live;
    assert!((grown / KEPT as f64 - 1.0).abs() < 0.2, "{grown}");
    // Freed on another thread than the one that allocated it.
    drop(black_box(kept));
    let left = value("allocator_live_bytes") - live;
    assert!(left.abs() < KEPT as f64 * 0.2, "{left}");
    let many = value("allocator_allocations_total");
    thread::spawn(|| (0..10_000).for_each(|n: usize| drop(black_box(Box::new(n))))).join().unwrap();
    assert!(value("allocator_allocations_total") - many >= 10_000.0);
}

#[test]
fn a_runtime_shows_its_workers_and_tasks() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    telemetry::tokio::watch("tested", runtime.handle());
    let tasks: Vec<_> =
        (0..5).map(|_| runtime.spawn(async { tokio::time::sleep(Duration::from_secs(60)).await })).collect();
    runtime.block_on(async { tokio::task::spawn(async { spin(Duration::from_millis(50)) }).await.unwrap() });
    let of = [("runtime", "tested")];
    assert_eq!(testing::value("tokio_workers", &of), Some(2.0));
    assert_eq!(testing::value("tokio_alive_tasks", &of), Some(5.0));
    let busy = snapshot().sum("tokio_worker_busy_seconds_total", &of);
    assert!((0.03..5.0).contains(&busy), "{busy}");
    assert_eq!(snapshot().family("tokio_worker_parks_total").unwrap().series.len(), 2);
    drop(tasks);
    assert!(telemetry::tokio::unwatch("tested") && !telemetry::tokio::unwatch("tested"));
    assert_eq!(testing::value("tokio_workers", &of), None);
}

#[test]
fn the_build_is_known() {
    let _alone = alone();
    let family = snapshot().family("telemetry_build_info").unwrap().clone();
    let label = |name: &str| family.series[0].label(name).unwrap_or_default().to_owned();
    assert!(label("rustc").starts_with("1."), "{}", label("rustc"));
    assert!(label("target").contains('-') && ["debug", "release"].contains(&&*label("profile")));
    let built = telemetry::build_info!();
    assert_eq!((built.package, built.version), (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")));
}
