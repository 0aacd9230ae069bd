//! Statements that took longer than they may: said, and the last of them kept.

use crate::snapshot::SlowStatement;
use crate::sync::{Mutex, lock};
use std::collections::VecDeque;

/// 20 with their texts and plans of some kilobytes.
const KEPT: usize = 20;

static LAST: Mutex<VecDeque<SlowStatement>> = Mutex::new(VecDeque::new());

/// Says it and keeps it.
#[cold]
pub(crate) fn tell(statement: SlowStatement) {
    say(&statement);
    let mut last = lock(&LAST);
    if last.len() == KEPT {
        last.pop_front();
    }
    last.push_back(statement);
}

/// The last ones, the latest first.
pub(crate) fn last() -> Vec<SlowStatement> {
    lock(&LAST).iter().rev().cloned().collect()
}

/// An event of `tracing`, where somebody listens; else one line on standard error, and the plan's behind it.
fn say(statement: &SlowStatement) {
    #[cfg(feature = "tracing")]
    if ::tracing::enabled!(target: "telemetry::duckdb", ::tracing::Level::WARN) {
        ::tracing::warn!(
            target: "telemetry::duckdb",
            database = &*statement.database,
            statement = &*statement.label,
            seconds = statement.seconds,
            rows = statement.rows,
            error_type = statement.error_type,
            text = &*statement.text,
            plan = statement.plan.as_deref(),
            "slow statement"
        );
        return;
    }
    let SlowStatement { label, database, seconds, plan, plan_is_earlier, .. } = statement;
    let mut text = format!("telemetry: slow statement {label} in {database} took {seconds:.3} s");
    if *plan_is_earlier {
        text.push_str("; an earlier run's plan:");
    }
    for line in plan.as_deref().unwrap_or_default().lines() {
        text.push_str("\n  ");
        text.push_str(line);
    }
    crate::job::above_bars(|| eprintln!("{text}"));
}
