//! Texts on spans, which end somewhere: a value may hold a whole response.

use std::fmt::{self, Display, Write};

/// The most bytes of a text.
const MOST: usize = 4_096;

/// What a value says of itself, as far as a span takes it. An error of its `Display` ends the text.
pub(crate) fn text(value: impl Display) -> String {
    let mut text = Bounded { text: String::new(), is_full: false };
    // Where it fails there is what was written before.
    let _ = write!(text, "{value}");
    text.text
}

/// As much of a text as a span takes.
#[cfg(feature = "tracing")]
pub(crate) fn cut(text: &str) -> &str {
    first(text, MOST)
}

/// As much of a text as fits into so many bytes.
fn first(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// A text, and whether some of it was left out: then nothing comes behind the gap.
struct Bounded {
    text: String,
    is_full: bool,
}

impl Write for Bounded {
    /// What is too much is left out. It is no error: there are implementations of `Display` that panic at one.
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if !self.is_full {
            let taken = first(more, MOST - self.text.len());
            self.text.push_str(taken);
            self.is_full = taken.len() < more.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_a_character_before_the_bound() {
        assert_eq!(text("short"), "short");
        assert_eq!(text("a".repeat(MOST)).len(), MOST);
        let long = text(format_args!("{}{}{}", "a".repeat(MOST - 1), "äöü", "b"));
        assert_eq!(long, "a".repeat(MOST - 1), "neither half a character nor what came after the gap");
    }

    #[test]
    fn a_display_that_fails_says_what_it_said_before() {
        struct Fails;
        impl Display for Fails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        assert_eq!(text(Fails), "half");
    }
}
