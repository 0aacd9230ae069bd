//! A bar in as many columns as the terminal has.

use super::text;
use crate::job::run::{Run, Standing};
use console::{measure_text_width, truncate_str};
use std::time::Duration;

/// How wide a bar is where there is room: each of its parts is some four percent.
const BAR: usize = 24;
/// Narrower than this it tells nothing that the percentage does not.
const LEAST_BAR: usize = 8;
/// What of a long name is shown at least.
const LEAST_NAME: usize = 10;
/// What is cut off is told by this.
const CUT: &str = "…";

/// `flights [=======>                ] 120 of 365 days (32 %), 3.6/s, 1m 08s left`, in at most `width` columns. What is least needed goes first:
/// the range of the time left, the bar, the end of the name, the end of the line.
pub(super) fn bar(run: &Run, standing: &Standing, stalled_for: Option<f64>, width: usize) -> String {
    let mut name = text::title(run);
    let mark = stalled_for.map_or_else(String::new, |quiet| {
        format!(" (stalled {})", text::duration(Duration::try_from_secs_f64(quiet).unwrap_or(Duration::MAX)))
    });
    // A column is left free: some terminals wrap when the last one is written.
    let width = width.saturating_sub(1);
    let mark_width = measure_text_width(&mark);
    let leaves_a_bar = |message: &String| {
        measure_text_width(&name) + mark_width + measure_text_width(message) + 4 + LEAST_BAR <= width
    };
    let message = text::message(run, standing, true);
    let message = if leaves_a_bar(&message) { message } else { text::message(run, standing, false) };
    let message_width = measure_text_width(&message);
    // Behind the name come a colon and a space, or a space, brackets and a space.
    let for_name = width.saturating_sub(mark_width + message_width + 2);
    if measure_text_width(&name) > for_name {
        name = truncate_str(&name, for_name.max(LEAST_NAME), CUT).into_owned();
    }
    let taken = measure_text_width(&name) + mark_width + message_width;
    let for_bar = width.saturating_sub(taken + 4).min(BAR);
    let line = match standing.progress {
        Some(progress) if for_bar >= LEAST_BAR => format!("{name}{mark} [{}] {message}", filled(progress, for_bar)),
        _ => format!("{name}{mark}: {message}"),
    };
    if width == 0 { String::new() } else { truncate_str(&line, width, CUT).into_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "a width")]
fn filled(progress: f64, width: usize) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the width")]
    let full = (progress.clamp(0.0, 1.0) * width as f64) as usize;
    let head = if full < width { ">" } else { "" };
    format!("{:width$}", "=".repeat(full) + head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::estimate::Estimate;
    use crate::job::run::Status;
    use std::time::Instant;

    /// A job of 24 days with twelve done.
    fn half(name: &str, total: Option<u64>, stalled_for: Option<f64>, width: usize) -> String {
        let run = Run::new(7, name, "days", total, None);
        run.count_units(Status::Processed, 12);
        let now = Instant::now();
        let standing =
            Standing { elapsed: Duration::from_secs(100), lately: None, overall: None, eta: None, ..run.standing(now) };
        bar(&run, &standing, stalled_for, width)
    }

    #[test]
    fn a_bar_is_as_long_as_the_progress_and_absent_where_that_is_unknown() {
        let told = |total| half("flights", total, None, 80);
        assert_eq!(told(Some(24)), "flights [============>           ] 12 of 24 days (50 %)");
        assert_eq!(told(Some(12)), "flights [========================] 12 of 12 days (100 %)");
        assert_eq!(told(None), "flights: 12 days in 1m 40s");
        assert_eq!(told(Some(11)), "flights: 12 of 11 days in 1m 40s");
    }

    #[test]
    fn a_stalled_job_is_marked_where_it_is_seen() {
        assert_eq!(
            half("flights", Some(24), Some(64.0), 80),
            "flights (stalled 1m 04s) [============>           ] 12 of 24 days (50 %)"
        );
        assert_eq!(half("flights", Some(24), Some(64.0), 40), "flights (stalled 1m 04s): 12 of 24 day…");
    }

    #[test]
    fn what_is_least_needed_goes_first_where_it_is_narrow() {
        let at = |width| half("flights", Some(24), None, width);
        assert_eq!(at(45), "flights [======>      ] 12 of 24 days (50 %)");
        assert_eq!(at(34), "flights: 12 of 24 days (50 %)");
        assert_eq!(at(20), "flights: 12 of 24 …");
        assert_eq!(at(3), "f…");
        assert_eq!(at(0), "");
        assert_eq!(
            half("every_flight_of_every_carrier", Some(24), None, 40),
            "every_flight_of_…: 12 of 24 days (50 %)"
        );
    }

    #[test]
    fn the_range_of_the_time_left_goes_before_the_bar() {
        let run = Run::new(7, "flights", "days", Some(24), None);
        run.count_units(Status::Processed, 12);
        let now = Instant::now();
        let eta = Some(Estimate { seconds: 100.0, low: 60.0, high: 180.0 });
        let standing = Standing { lately: Some(3.6), overall: None, eta, ..run.standing(now) };
        let at = |width| bar(&run, &standing, None, width);
        assert_eq!(
            at(100),
            "flights [============>           ] 12 of 24 days (50 %), 3.6/s, 1m 40s left (1m 00s to 3m 00s)"
        );
        assert_eq!(at(80), "flights [====>    ] 12 of 24 days (50 %), 3.6/s, 1m 40s left (1m 00s to 3m 00s)");
        assert_eq!(at(78), "flights [============>           ] 12 of 24 days (50 %), 3.6/s, 1m 40s left");
        assert_eq!(at(60), "flights [====>   ] 12 of 24 days (50 %), 3.6/s, 1m 40s left");
        assert_eq!(at(59), "flights: 12 of 24 days (50 %), 3.6/s, 1m 40s left");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        for width in 0..60 {
            let line = half("航班数据回填任务", Some(24), Some(5.0), width);
            assert!(measure_text_width(&line) < width.max(1), "{line} in {width}");
        }
        assert_eq!(half("航班数据回填任务", Some(24), None, 33), "航班数据…: 12 of 24 days (50 %)");
    }

    #[test]
    fn a_name_moves_no_cursor() {
        assert!(!half("a\x1b[2J\nb", None, None, 80).contains(char::is_control));
    }
}
