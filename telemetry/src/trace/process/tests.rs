//! The environment in and out, and two real processes.

use super::*;
use crate::trace::baggage;
use std::ffi::OsStr;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn environment(variables: &[(&str, &str)]) -> TraceContext {
    extract(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

fn running() -> TraceContext {
    environment(&[("TRACEPARENT", PARENT), ("TRACESTATE", "a=1"), ("BAGGAGE", "tenant=x%2Cy")])
}

#[test]
fn a_field_is_a_variable_in_capitals() {
    assert_eq!(variable("traceparent"), "TRACEPARENT");
    assert_eq!(variable("X-B3-TraceId"), "X_B3_TRACEID");
    assert_eq!(variable("1a"), "_1A");
}

#[test]
fn a_parent_is_read_from_the_environment() {
    let parent = running();
    assert_eq!(parent.traceparent().as_deref(), Some(PARENT));
    assert_eq!(parent.baggage("tenant").as_deref(), Some("x,y"));
    for nonsense in [&[("TRACEPARENT", "nonsense")][..], &[("TRACEPARENT", "")], &[("traceparent", PARENT)], &[]] {
        assert!(!environment(nonsense).is_valid(), "{nonsense:?}");
    }
}

#[test]
fn what_runs_is_given_to_a_command_and_nothing_else() {
    let mut command = Command::new("true");
    running().scope(|| inject(&mut command));
    let set: Vec<_> = command.get_envs().collect();
    let text = |value| Some(OsStr::new(value));
    assert_eq!(
        set,
        [
            (OsStr::new("BAGGAGE"), text("tenant=x%2Cy")),
            (OsStr::new("TRACEPARENT"), text(PARENT)),
            (OsStr::new("TRACESTATE"), text("a=1")),
        ]
    );
}

#[test]
fn what_a_parent_left_in_the_environment_is_taken_out() {
    let mut command = Command::new("true");
    command.env("TRACESTATE", "old=1").env("BAGGAGE", "old=1");
    environment(&[("TRACEPARENT", PARENT)]).scope(|| inject(&mut command));
    let set: Vec<_> = command.get_envs().collect();
    assert_eq!(
        set,
        [
            (OsStr::new("BAGGAGE"), None),
            (OsStr::new("TRACEPARENT"), Some(OsStr::new(PARENT))),
            (OsStr::new("TRACESTATE"), None),
        ]
    );
}

#[test]
fn a_command_is_left_alone_where_nothing_runs() {
    let mut command = Command::new("true");
    command.env("TRACEPARENT", "mine");
    inject(&mut command);
    environment(&[]).scope(|| inject(&mut command));
    let set: Vec<_> = command.get_envs().collect();
    assert_eq!(set, [(OsStr::new("TRACEPARENT"), Some(OsStr::new("mine")))]);
    assert_eq!(variables(), []);
}

#[test]
fn what_has_no_parent_is_within_the_processs() {
    let parent = running();
    let child = TraceContext(within(&Context::new(), &parent.0));
    assert_eq!(child.traceparent().as_deref(), Some(PARENT));
    assert_eq!(child.baggage("tenant").as_deref(), Some("x,y"));
    // Baggage of its own stays alone.
    let own = TraceContext::from(Context::new()).with_baggage("tenant", "z").with_baggage("more", "1");
    let child = TraceContext(within(&own.0, &parent.0));
    assert_eq!(child.traceparent().as_deref(), Some(PARENT));
    assert_eq!(child.baggage("tenant").as_deref(), Some("z"));
}

/// A program that [`a_child_is_within_its_parents_trace`] starts; by itself it shows that it has no parent.
#[test]
#[ignore = "it is the child of another test"]
fn child() {
    // Not before `init`.
    assert!(!current_context().is_valid());
    adopt_parent();
    let show = |who: &str| {
        let tenant = baggage("tenant").unwrap_or_default();
        println!("{who}={} tenant={tenant}", current_context().traceparent().unwrap_or_default());
    };
    show("main");
    let _ = std::thread::spawn(move || show("thread")).join();
    TraceContext::extract(&HashMap::<String, String>::new()).scope(|| show("request"));
    println!("parent={}", parent().traceparent().unwrap_or_default());
}

/// What the child says on standard output, and on standard error.
fn start(context: Option<&TraceContext>, propagators: &str) -> (String, String) {
    let program = std::env::current_exe().expect("a path of this program");
    let mut command = Command::new(program);
    command.args(["--exact", "trace::process::tests::child", "--ignored", "--nocapture", "--test-threads=1"]);
    command
        .env_remove("TRACEPARENT")
        .env_remove("TRACESTATE")
        .env_remove("BAGGAGE")
        .env("OTEL_PROPAGATORS", propagators);
    if let Some(context) = context {
        context.scope(|| inject(&mut command));
    }
    let output = command.output().expect("the child starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{shown}{said}");
    (shown, said)
}

#[test]
#[cfg_attr(miri, ignore = "starts a program")]
fn a_child_is_within_its_parents_trace() {
    let (shown, said) = start(Some(&running()), "");
    assert!(!said.contains("telemetry:"), "{said}");
    for line in [
        format!("main={PARENT} tenant=x,y"),
        format!("thread={PARENT} tenant=x,y"),
        // What asks it from outside is not.
        "request= tenant=\n".to_owned(),
        format!("parent={PARENT}"),
    ] {
        assert!(shown.contains(&line), "{line} is not in {shown}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a program")]
fn a_child_without_a_parent_has_no_trace() {
    let (shown, _) = start(None, "");
    for line in ["main= tenant=\n", "thread= tenant=\n", "parent=\n"] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a program")]
fn a_child_reads_what_its_variable_says() {
    let (shown, said) = start(Some(&running()), "baggage, b3");
    for line in ["main= tenant=x,y\n", "thread= tenant=x,y\n", "parent=\n"] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    assert_eq!(said.matches("the propagator \"b3\" of OTEL_PROPAGATORS is not supported").count(), 1, "{said}");
    let (shown, said) = start(Some(&running()), "none");
    assert!(shown.contains("main= tenant=\n"), "{shown}");
    assert!(!said.contains("telemetry:"), "{said}");
}
