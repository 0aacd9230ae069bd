//! That a job or a worker has stalled, or moves again, in one line.

use super::{announce, text};
use crate::job::life::{Change, InFlight};
use crate::job::run::Run;
use std::time::Duration;

/// Says it above the bars.
pub(crate) fn announce_change(run: &Run, change: &Change) {
    announce(format_args!("{}", line(run, change)));
}

/// `flights: stalled, no sign of life for 1m 04s; in flight: request flights for 1m 03s`.
fn line(run: &Run, change: &Change) -> String {
    let title = text::title(run);
    let who = |worker: &Option<_>| worker.as_deref().map_or_else(String::new, |name: &str| format!("worker {name} "));
    match change {
        Change::Stalled { worker, quiet, in_flight } => {
            format!("{title}: {}stalled, no sign of life for {}{}", who(worker), time(*quiet), list(in_flight))
        }
        Change::Moves { worker, after } => format!("{title}: {}moves again after {}", who(worker), time(*after)),
    }
}

fn list(in_flight: &[InFlight]) -> String {
    let all: Vec<_> = in_flight.iter().map(|one| format!("{} for {}", one.what, time(one.seconds))).collect();
    if all.is_empty() { String::new() } else { format!("; in flight: {}", all.join(", ")) }
}

fn time(seconds: f64) -> String {
    text::duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_who_how_long_and_in_what() {
        let run = Run::new(0, "flights", "days", None, None);
        let in_flight = |what: &str, seconds| InFlight { what: what.to_owned(), seconds };
        let told = |change| line(&run, &change);
        let requests = vec![in_flight("request flights", 64.0), in_flight("call fetch_page", 63.0)];
        assert_eq!(
            told(Change::Stalled { worker: None, quiet: 64.0, in_flight: requests }),
            "flights: stalled, no sign of life for 1m 04s; in flight: request flights for 1m 04s, call fetch_page for 1m 03s"
        );
        assert_eq!(
            told(Change::Stalled { worker: Some("fetch-3".into()), quiet: 64.0, in_flight: Vec::new() }),
            "flights: worker fetch-3 stalled, no sign of life for 1m 04s"
        );
        assert_eq!(told(Change::Moves { worker: None, after: 80.0 }), "flights: moves again after 1m 20s");
        assert_eq!(
            told(Change::Moves { worker: Some("fetch-3".into()), after: 80.0 }),
            "flights: worker fetch-3 moves again after 1m 20s"
        );
    }
}
