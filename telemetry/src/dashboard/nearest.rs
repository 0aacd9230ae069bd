//! What a misspelt name was probably meant to be, in a `const fn`.
//!
//! Near is what the macros call near: a distance of at most a third of the candidate's length, and less than the word's own. Most candidates are
//! told to be too far by their letters alone, since a table of distances for each of some hundred names would take seconds.

/// The longest name that is considered, and the table's row.
const LONGEST: usize = 128;

/// The best candidate so far.
pub(super) struct Nearest<'a> {
    word: &'a [u8],
    letters: [i32; 32],
    best: Option<Candidate<'a>>,
    distance: usize,
}

/// A candidate: a name, and what is put behind it before it is shown.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) ending: &'static str,
}

impl<'a> Nearest<'a> {
    pub(super) const fn new(word: &'a str) -> Nearest<'a> {
        let mut letters = [0; 32];
        count(&mut letters, word.as_bytes(), 1);
        Nearest { word: word.as_bytes(), letters, best: None, distance: usize::MAX }
    }

    pub(super) const fn best(&self) -> Option<Candidate<'a>> {
        self.best
    }

    /// Considers a name as it is.
    pub(super) const fn offer(&mut self, name: &'a str) {
        self.consider(name.as_bytes(), Candidate { name, ending: "" });
    }

    /// Considers a name, shown with an ending that the word has too.
    pub(super) const fn offer_stem(&mut self, name: &'a str, ending: &'static str) {
        self.consider(name.as_bytes(), Candidate { name, ending });
    }

    /// Considers a name with an ending.
    pub(super) const fn offer_with(&mut self, name: &'a str, ending: &'static str) {
        let (mut joined, mut len) = ([0; LONGEST], 0);
        let parts = [name.as_bytes(), ending.as_bytes()];
        let both = parts[0].len() + parts[1].len();
        if both > LONGEST || both.abs_diff(self.word.len()) > both.div_ceil(3) {
            return;
        }
        let mut part = 0;
        while part < 2 {
            let mut at = 0;
            while at < parts[part].len() {
                joined[len] = parts[part][at];
                len += 1;
                at += 1;
            }
            part += 1;
        }
        self.consider(joined.split_at(len).0, Candidate { name, ending });
    }

    /// Considers the beginning of a name, as long as the word, and shows all of the name.
    pub(super) const fn offer_beginning(&mut self, name: &'a str) {
        if name.len() >= self.word.len() && name.is_char_boundary(self.word.len()) {
            let beginning = name.split_at(self.word.len()).0;
            self.consider(beginning.as_bytes(), Candidate { name, ending: "" });
        }
    }

    /// Takes the candidate if it is near, and nearer than the best so far.
    const fn consider(&mut self, bytes: &[u8], candidate: Candidate<'a>) {
        let mut limit = bytes.len().div_ceil(3);
        if limit > self.word.len() {
            limit = self.word.len();
        }
        if self.distance <= limit {
            limit = match self.distance.checked_sub(1) {
                Some(limit) => limit,
                None => return,
            };
        }
        // Each letter more is one more to the distance; to count them all takes longer.
        if bytes.len() > LONGEST || self.word.len() > LONGEST || bytes.len().abs_diff(self.word.len()) > limit {
            return;
        }
        if self.at_least(bytes) > limit {
            return;
        }
        let distance = distance(self.word, bytes, limit);
        if distance <= limit {
            self.distance = distance;
            self.best = Some(candidate);
        }
    }

    /// A distance that the true one is not below: the letters that one of the two has and the other has not.
    const fn at_least(&self, bytes: &[u8]) -> usize {
        let mut letters = self.letters;
        count(&mut letters, bytes, -1);
        let (mut surplus, mut missing, mut at) = (0, 0, 0);
        while at < letters.len() {
            if letters[at] > 0 {
                surplus += letters[at];
            } else {
                missing -= letters[at];
            }
            at += 1;
        }
        (if surplus > missing { surplus } else { missing }) as usize
    }
}

/// Adds `by` for each letter. Letters share a count where their last five bits are equal, which only lets more candidates through.
const fn count(letters: &mut [i32; 32], bytes: &[u8], by: i32) {
    let mut at = 0;
    while at < bytes.len() {
        letters[(bytes[at] & 31) as usize] += by;
        at += 1;
    }
}

/// Levenshtein's distance with one row, or something above `limit` where it is above that.
const fn distance(a: &[u8], b: &[u8], limit: usize) -> usize {
    let (mut start, mut a_end, mut b_end) = (0, a.len(), b.len());
    // What both begin and end with adds nothing.
    while start < a_end && start < b_end && a[start] == b[start] {
        start += 1;
    }
    while a_end > start && b_end > start && a[a_end - 1] == b[b_end - 1] {
        a_end -= 1;
        b_end -= 1;
    }
    let width = b_end - start;
    let mut row = [0_usize; LONGEST + 1];
    let mut j = 0;
    while j <= width {
        row[j] = j;
        j += 1;
    }
    let mut i = start;
    while i < a_end {
        let (mut diagonal, mut least) = (row[0], row[0] + 1);
        row[0] += 1;
        let mut j = 0;
        while j < width {
            // No calls in here: it is the innermost loop of a failing check.
            let mut cost = if a[i] == b[start + j] { diagonal } else { diagonal + 1 };
            diagonal = row[j + 1];
            if row[j] + 1 < cost {
                cost = row[j] + 1;
            }
            if diagonal + 1 < cost {
                cost = diagonal + 1;
            }
            row[j + 1] = cost;
            if cost < least {
                least = cost;
            }
            j += 1;
        }
        if least > limit {
            return least;
        }
        i += 1;
    }
    row[width]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest of the candidates.
    fn nearest<'a>(word: &'a str, candidates: &[&'a str]) -> Option<&'a str> {
        let mut nearest = Nearest::new(word);
        candidates.iter().for_each(|candidate| nearest.offer(candidate));
        nearest.best().map(|best| best.name)
    }

    #[test]
    fn distances_are_levenshtein_s() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("rows_total", "rows_total", 0),
            ("rows_totl", "rows_total", 1),
            ("abcd", "badc", 3),
            ("intention", "execution", 5),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes(), 100), expected, "{a} {b}");
            let letters = Nearest::new(a).at_least(b.as_bytes());
            assert!(letters <= expected, "the letters of {a} and {b} say {letters}");
        }
        assert!(distance(b"aaaaaaaa", b"bbbbbbbb", 2) > 2);
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("rows_totl", &["bytes_total", "rows_total", "rows"]), Some("rows_total"));
        assert_eq!(nearest("rows_total", &["bytes_total", "rows_total"]), Some("rows_total"));
        assert_eq!(nearest("frobnicate", &["rows_total", "bytes_total"]), None);
        assert_eq!(nearest("x", &["rows_total", "y"]), Some("y"));
        assert_eq!(nearest(&"x".repeat(200), &[&"x".repeat(199)]), None);
    }

    #[test]
    fn of_equally_near_names_the_first_is_taken() {
        assert_eq!(nearest("rows_c_total", &["rows_a_total", "rows_b_total"]), Some("rows_a_total"));
    }
}
