//! What does a logged value of a metric cost the thread that logs it?
//!
//! Beside it the obvious ways to hand a value to another thread: a channel, and a list under a lock. Rounds are interleaved; medians of nanoseconds, and ratios.
//!
//! `cargo run --release -p telemetry-benches --features comet --bin comet`

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};
use telemetry::comet::{Config, Experiment, Mode};

const ROUNDS: usize = 31;
const VALUES: u64 = 200_000;

type Value = (String, f64, SystemTime);

fn main() -> Result<(), telemetry::comet::Error> {
    let folder = std::env::temp_dir().join(format!("telemetry-bench-comet-{}", std::process::id()));
    let config = Config::new().mode(Mode::Offline).offline_directory(&folder).system_every(Duration::ZERO);
    let experiment = Experiment::start(config)?;

    let (sender, receiver) = mpsc::channel::<Value>();
    let reader = std::thread::spawn(move || receiver.iter().map(|value| black_box(value).1).sum::<f64>());
    let (list, ends) = (Arc::new(Mutex::new(Vec::<Value>::new())), Arc::new(AtomicBool::new(false)));
    let (of_reader, until) = (Arc::clone(&list), Arc::clone(&ends));
    let emptier = std::thread::spawn(move || {
        while !until.load(Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
            drop(std::mem::take(&mut *of_reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner)));
        }
    });

    let mut contestants: Vec<(&str, Box<dyn FnMut(u64)>, Vec<f64>)> = vec![
        (
            "SystemTime::now",
            Box::new(|_| {
                black_box(SystemTime::now());
            }),
            Vec::new(),
        ),
        ("log_metric", Box::new(|step| experiment.log_metric("loss", black_box(step as f64))), Vec::new()),
        (
            "log_metric, 100 names",
            Box::new({
                let names: Vec<String> = (0..100).map(|number| format!("layer {number} gradient")).collect();
                let experiment = &experiment;
                move |step| experiment.log_metric(&names[step as usize % 100], black_box(step as f64))
            }),
            Vec::new(),
        ),
        (
            "a channel",
            Box::new(|step| drop(sender.send(("loss".to_owned(), black_box(step as f64), SystemTime::now())))),
            Vec::new(),
        ),
        (
            "a list under a lock",
            Box::new(|step| {
                let value = ("loss".to_owned(), black_box(step as f64), SystemTime::now());
                list.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(value);
            }),
            Vec::new(),
        ),
    ];
    for _ in 0..ROUNDS {
        for (_, log, took) in &mut contestants {
            let begun = Instant::now();
            (0..VALUES).for_each(&mut *log);
            took.push(begun.elapsed().as_secs_f64() * 1e9 / VALUES as f64);
        }
    }
    let median = |took: &[f64]| {
        let mut took = took.to_vec();
        took.sort_by(f64::total_cmp);
        took[took.len() / 2]
    };
    let ours = median(&contestants[1].2);
    for (name, _, took) in &contestants {
        let median = median(took);
        println!("{name:<22} {median:>7.1} ns  {:>5.2} of log_metric", median / ours);
    }
    drop(contestants);
    drop(sender);
    ends.store(true, Relaxed);
    let _ = (reader.join(), emptier.join());
    experiment.end();
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}
