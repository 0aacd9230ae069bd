//! A collector for trying things out: runs a command, takes what it exports by OTLP, and shows it. `telemetry-sink --help` has the rest.

/// Requests as lines.
mod demo;

use clap::Parser;
use demo::{Summary, say};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use telemetry_sink::Sink;

/// How often it is looked whether the command has ended.
const STEP: Duration = Duration::from_millis(50);
const HTTP_PORT: u16 = 4318;
const GRPC_PORT: u16 = 4317;
/// What belongs to one signal would lead the command elsewhere.
const SET_ASIDE: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
];

/// Shows what a program exports by OTLP.
///
/// Runs a command with OTEL_EXPORTER_OTLP_ENDPOINT leading here, prints a line for each request, and at the end the metrics with their last values and the
/// traces as trees. Ends as the command ends. What it prints goes to standard error, so that the command's output stays its own.
///
/// Without a command it listens on 127.0.0.1, port 4318 for HTTP and 4317 for gRPC, until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "telemetry-sink", after_help = "Example: telemetry-sink --grpc ./backfill --days 3")]
struct Args {
    /// The command is to send over gRPC.
    #[arg(long, conflicts_with = "json", requires = "command")]
    grpc: bool,
    /// The command is to send JSON over HTTP, in place of protobuf.
    #[arg(long, requires = "command")]
    json: bool,
    /// The command is to send what happened since its last export, not since its start.
    #[arg(long, requires = "command")]
    delta: bool,
    /// Shows all series and all spans at the end, not a choice of them.
    #[arg(long)]
    all: bool,
    /// What to run, with its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = if args.command.is_empty() { listen(&args) } else { around(&args) };
    ended.unwrap_or_else(|(code, message)| {
        eprintln!("telemetry-sink: {message}");
        ExitCode::from(code)
    })
}

type Ended = Result<ExitCode, (u8, String)>;

fn failed(error: impl std::fmt::Display) -> (u8, String) {
    (1, error.to_string())
}

/// Set by the signal in place of the program's end.
fn on(signal: i32) -> Result<Arc<AtomicBool>, (u8, String)> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(failed)?;
    Ok(flag)
}

fn listen(args: &Args) -> Ended {
    let sink = Sink::builder().http_port(HTTP_PORT).grpc_port(GRPC_PORT).start().map_err(|error| {
        let hint = if error.kind() == ErrorKind::AddrInUse { "; a collector may be running here already" } else { "" };
        failed(format!("{error}{hint}"))
    })?;
    let (interrupted, terminated) = (on(SIGINT)?, on(SIGTERM)?);
    say(&format!(
        "listening on {} for http/protobuf and http/json, on {} for grpc; Ctrl-C ends it",
        sink.http_endpoint(),
        sink.grpc_endpoint()
    ));
    let mut summary = Summary::default();
    while !interrupted.load(Relaxed) && !terminated.load(Relaxed) {
        summary.wait(&sink, STEP);
    }
    summary.show(&sink, args.all);
    Ok(ExitCode::SUCCESS)
}

/// `OTEL_EXPORTER_OTLP_PROTOCOL` for the command.
fn protocol(args: &Args) -> Result<String, (u8, String)> {
    let asked = if args.grpc { Some("grpc") } else { args.json.then_some("http/json") };
    let set = std::env::var("OTEL_EXPORTER_OTLP_PROTOCOL").ok().filter(|set| !set.is_empty());
    let protocol = asked.map(str::to_owned).or(set).unwrap_or_else(|| "http/protobuf".to_owned());
    if matches!(protocol.as_str(), "grpc" | "http/protobuf" | "http/json") {
        return Ok(protocol);
    }
    Err(failed(format!("OTEL_EXPORTER_OTLP_PROTOCOL is \"{protocol}\"; it takes grpc, http/protobuf or http/json")))
}

fn around(args: &Args) -> Ended {
    let sink = Sink::builder().start().map_err(failed)?;
    let protocol = protocol(args)?;
    let endpoint = if protocol == "grpc" { sink.grpc_endpoint() } else { sink.http_endpoint() };
    let mut command = Command::new(&args.command[0]);
    command
        .args(&args.command[1..])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", &protocol);
    if std::env::var_os("OTEL_METRIC_EXPORT_INTERVAL").is_none() {
        command.env("OTEL_METRIC_EXPORT_INTERVAL", "1000");
    }
    if args.delta {
        command.env("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");
    }
    for name in SET_ASIDE {
        if std::env::var_os(name).is_some() {
            say(&format!("{name} is not passed on: the command is to send here"));
            command.env_remove(name);
        }
    }
    // Ctrl-C reaches the command by itself; what it sends on its way out is still to be taken.
    let (_interrupted, terminated) = (on(SIGINT)?, on(SIGTERM)?);
    let mut child = command.spawn().map_err(|error| could_not_run(&args.command[0], &error))?;
    say(&format!("taking {protocol} on {endpoint}"));
    let mut summary = Summary::default();
    let status = loop {
        summary.wait(&sink, STEP);
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if terminated.swap(false, Relaxed) {
            pass_on(&child);
        }
    };
    summary.wait(&sink, Duration::ZERO);
    summary.show(&sink, args.all);
    // As a shell has it.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    if code != 0 {
        say(&format!("the command ended with {status}"));
    }
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn could_not_run(command: &OsString, error: &io::Error) -> (u8, String) {
    let command = command.to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => (127, format!("there is no command `{command}`")),
        ErrorKind::PermissionDenied => (126, format!("`{command}` may not be run: {error}")),
        _ => (126, format!("`{command}` could not be run: {error}")),
    }
}

fn pass_on(child: &Child) {
    // SAFETY: sends a signal to a process of ours, which was not waited for yet, so that its number is nobody else's.
    unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
}
