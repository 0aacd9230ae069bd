//! The rules of a declaration that only the compiler can apply, since it alone knows the values: of constants in bounds, of HELP texts
//! that are put together, of the labels' types.
//!
//! `metric!` calls these in constants, with the span of what they judge: a panic here is an error of the compiler there.

use crate::metric::label::Values;

/// The most series of a closed label set: they all exist from the start.
const MAX_COMBINATIONS: usize = 1_000;

/// A sentence that is put together while compiling.
struct Sentence {
    bytes: [u8; Sentence::CAPACITY],
    length: usize,
}

impl Sentence {
    /// Names are as long as their authors like; what does not fit is left out.
    const CAPACITY: usize = 512;

    const fn new() -> Sentence {
        Sentence { bytes: [0; Sentence::CAPACITY], length: 0 }
    }

    const fn text(mut self, text: &str) -> Sentence {
        if text.len() <= Sentence::CAPACITY - self.length {
            let (text, mut index) = (text.as_bytes(), 0);
            while index < text.len() {
                self.bytes[self.length + index] = text[index];
                index += 1;
            }
            self.length += text.len();
        }
        self
    }

    const fn number(self, number: usize) -> Sentence {
        let sentence = if number >= 10 { self.number(number / 10) } else { self };
        #[expect(clippy::cast_possible_truncation, reason = "a digit")]
        let digit = [b'0' + (number % 10) as u8];
        match std::str::from_utf8(&digit) {
            Ok(digit) => sentence.text(digit),
            Err(_) => sentence,
        }
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

/// An error of the compiler at the caller, unless the condition holds.
#[track_caller]
pub const fn required(condition: bool, message: &str) {
    assert!(condition, "{}", message);
}

/// Refuses a closed label set that is too large. One that is not closed has no end, but begins with nothing.
#[track_caller]
pub const fn combinations(metric: &str, labels: &[Values]) {
    let mut combinations: usize = 1;
    let mut index = 0;
    while index < labels.len() {
        let Some(values) = labels[index] else { return };
        combinations = combinations.saturating_mul(values.len());
        index += 1;
    }
    if combinations > MAX_COMBINATIONS {
        let sentence = Sentence::new()
            .text("the labels of `")
            .text(metric)
            .text("` have ")
            .number(combinations)
            .text(" combinations, each of which is a series from the start, and ")
            .number(MAX_COMBINATIONS)
            .text(" is the most; leave a label out, or make one `&str`");
        panic!("{}", sentence.as_str());
    }
}

/// Refuses a bound, told by its place, that is not finite, or not above the one before it.
#[track_caller]
pub const fn bound(bounds: &[f64], index: usize) {
    if let Some(problem) = problem(bounds, index) {
        panic!("{}", problem);
    }
}

/// Refuses bounds that come as one constant.
#[track_caller]
pub const fn bounds(metric: &str, bounds: &[f64]) {
    if bounds.is_empty() {
        let sentence = Sentence::new().text("histogram `").text(metric).text("` has no bounds; the constant is empty");
        panic!("{}", sentence.as_str());
    }
    let mut index = 0;
    while index < bounds.len() {
        if let Some(problem) = problem(bounds, index) {
            let sentence = Sentence::new().text("at index ").number(index).text(" of the constant: ").text(problem);
            panic!("{}", sentence.as_str());
        }
        index += 1;
    }
}

const fn problem(bounds: &[f64], index: usize) -> Option<&'static str> {
    if !bounds[index].is_finite() {
        return Some("a bound is finite; leave it out: there is always a bucket above all bounds");
    }
    // One that is not finite has its own error.
    if index == 0 || !bounds[index - 1].is_finite() || bounds[index] > bounds[index - 1] {
        return None;
    }
    Some("bounds ascend, and this one is not above the one before it; sort them, and leave out what is there twice")
}

/// The length of the HELP text in a documentation text.
#[must_use]
pub const fn help_length(documentation: &str) -> usize {
    paragraph(documentation.as_bytes(), &mut [])
}

/// The bytes of the HELP text in a documentation text; `N` is [`help_length`] of the same.
#[must_use]
pub const fn help_bytes<const N: usize>(documentation: &str) -> [u8; N] {
    let mut bytes = [0; N];
    paragraph(documentation.as_bytes(), &mut bytes);
    bytes
}

/// The HELP text of its bytes.
#[must_use]
pub const fn help(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // Whole lines of a text are text.
        Err(_) => "",
    }
}

/// Writes the first paragraph: its lines, trimmed, with one space between them. Returns its length; what does not fit is not written.
const fn paragraph(text: &[u8], out: &mut [u8]) -> usize {
    let (mut length, mut start) = (0, 0);
    while start < text.len() {
        let mut end = start;
        while end < text.len() && text[end] != b'\n' {
            end += 1;
        }
        let line = text.split_at(end).0.split_at(start).1.trim_ascii();
        if line.is_empty() && length > 0 {
            break;
        }
        if !line.is_empty() && length > 0 {
            put(out, length, b' ');
            length += 1;
        }
        let mut index = 0;
        while index < line.len() {
            put(out, length, line[index]);
            length += 1;
            index += 1;
        }
        start = end + 1;
    }
    length
}

const fn put(out: &mut [u8], index: usize, byte: u8) {
    if index < out.len() {
        out[index] = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    /// What the compiler would say.
    fn refused(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let payload = catch_unwind(check).expect_err("nothing was refused");
        *payload.downcast::<String>().expect("a sentence")
    }

    #[test]
    fn the_help_is_the_first_paragraph_on_one_line() {
        const TEXT: &str = "\n\n  Rows that were  read,\r\n\tby täble. \n\nMore of it.\n";
        const BYTES: [u8; help_length(TEXT)] = help_bytes(TEXT);
        assert_eq!(help(&BYTES), "Rows that were  read, by täble.");
        assert_eq!([help_length(""), help_length(" \n\t\n"), help_length("x"), help_length("\nx\n y")], [0, 0, 1, 3]);
    }

    #[test]
    fn a_closed_set_of_a_thousand_is_taken() {
        const TEN: Values = Some(&["", "", "", "", "", "", "", "", "", ""]);
        combinations("x_total", &[TEN, TEN, TEN]);
        combinations("x_total", &[TEN, TEN, TEN, TEN, None]);
        let told = refused(|| combinations("x_total", &[TEN, TEN, TEN, Some(&["", ""])]));
        assert!(told.starts_with("the labels of `x_total` have 2000 combinations, each of"), "{told}");
        assert!(told.contains("and 1000 is the most"), "{told}");
    }

    #[test]
    fn bounds_are_finite_and_ascend() {
        bounds("x_bytes", &[-1.0, 0.0, 0.5]);
        for wrong in [&[][..], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[1.0, f64::INFINITY]] {
            refused(|| bounds("x_bytes", wrong));
        }
        assert!(
            refused(|| bounds("x_bytes", &[1.0, 2.0, 2.0])).starts_with("at index 2 of the constant: bounds ascend")
        );
    }
}
