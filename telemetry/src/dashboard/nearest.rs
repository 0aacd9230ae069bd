//! What a misspelt name was probably meant to be, in a `const fn`.
//!
//! Near is what the macros call near: a distance of at most a third of the candidate's length, and of the word's own. The distance is computed for a whole
//! column at once, since the compiler runs some ten million steps a second: with a table for each of 200 names, one misspelt name took 0.3 s.

/// The longest word that is compared: the bits of a column, less one for the carry.
const LONGEST: usize = 127;

/// The best candidate so far.
pub(super) struct Nearest<'a> {
    len: usize,
    /// A bit for each of its bytes.
    all: u128,
    /// For each byte, where the word has it: bit by bit.
    places: [u128; 256],
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
    pub(super) const fn new(word: &str) -> Nearest<'a> {
        let (word, len) = (word.as_bytes(), word.len());
        let (mut places, mut all, mut at) = ([0; 256], 0, 0);
        while at < len && at < LONGEST {
            places[word[at] as usize] |= 1 << at;
            all |= 1 << at;
            at += 1;
        }
        Nearest { len, all, places, best: None, distance: usize::MAX }
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
        let (front, back) = (name.as_bytes(), ending.as_bytes());
        let (middle, len) = (front.len(), front.len() + back.len());
        if len > LONGEST || self.limit(len).is_none() {
            return;
        }
        let (mut joined, mut at) = ([0; LONGEST], 0);
        while at < len {
            joined[at] = if at < middle { front[at] } else { back[at - middle] };
            at += 1;
        }
        self.consider(joined.split_at(len).0, Candidate { name, ending });
    }

    /// Considers the beginning of a name, as long as the word, and shows all of the name.
    pub(super) const fn offer_beginning(&mut self, name: &'a str) {
        if name.len() >= self.len && name.is_char_boundary(self.len) {
            let beginning = name.split_at(self.len).0;
            self.consider(beginning.as_bytes(), Candidate { name, ending: "" });
        }
    }

    /// Takes the candidate if it is near, and nearer than the best so far.
    const fn consider(&mut self, bytes: &[u8], candidate: Candidate<'a>) {
        if let Some(limit) = self.limit(bytes.len()) {
            let distance = self.distance(bytes, limit);
            if distance <= limit {
                self.distance = distance;
                self.best = Some(candidate);
            }
        }
    }

    /// How far a candidate of this length may be; nothing where it is not worth the comparison.
    const fn limit(&self, len: usize) -> Option<usize> {
        let mut limit = len.div_ceil(3);
        if limit > self.len {
            limit = self.len;
        }
        if self.distance <= limit {
            if self.distance == 0 {
                return None;
            }
            limit = self.distance - 1;
        }
        // It takes as many steps as the lengths differ by.
        let apart = len.abs_diff(self.len);
        if self.len == 0 || self.len > LONGEST || apart > limit { None } else { Some(limit) }
    }

    /// Levenshtein's distance to the word, or something above `limit` where it is above that. A column of the table is two numbers: where it
    /// rises and where it falls by one. Myers' algorithm: <https://doi.org/10.1145/316542.316550>
    const fn distance(&self, bytes: &[u8], limit: usize) -> usize {
        let (last, all, len) = (1_u128 << (self.len - 1), self.all, bytes.len());
        let (mut rises, mut falls, mut distance, mut at) = (all, 0, self.len, 0);
        // No calls in here: in the compiler they cost more than all the rest.
        while at < len {
            let equal = self.places[bytes[at] as usize];
            let down = equal | falls;
            let across = (((equal & rises) + rises) ^ rises) | equal;
            let more = falls | !(across | rises);
            let less = rises & across;
            if more & last != 0 {
                distance += 1;
            } else if less & last != 0 {
                distance -= 1;
            }
            // Each step that is left can take one off.
            if distance > limit + len - at {
                return distance;
            }
            let (more, less) = (more << 1 | 1, less << 1);
            rises = (less | !(down | more)) & all;
            falls = more & down & all;
            at += 1;
        }
        distance
    }
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
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("rows_total", "rows_total", 0),
            ("rows_totl", "rows_total", 1),
            ("abcd", "badc", 3),
            ("intention", "execution", 5),
        ] {
            assert_eq!(Nearest::new(a).distance(b.as_bytes(), 100), expected, "{a} {b}");
            let reached = Nearest::new(a).distance(b.as_bytes(), 2);
            assert_eq!(reached <= 2, expected <= 2, "{a} {b}: {reached}");
        }
    }

    /// With a table, as textbooks have it.
    fn by_table(a: &[u8], b: &[u8]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, y) in b.iter().enumerate() {
                let replaced = diagonal + usize::from(x != y);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[b.len()]
    }

    #[test]
    fn distances_are_those_of_the_table() {
        let mut random = 7_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..5_000 {
            let mut word = || -> String {
                let letters = 2 + next(4);
                (0..=next(if letters == 2 { 127 } else { 12 }))
                    .map(|_| char::from(b'a' + next(letters) as u8))
                    .collect()
            };
            let (a, b) = (word(), word());
            let expected = by_table(a.as_bytes(), b.as_bytes());
            assert_eq!(Nearest::new(&a).distance(b.as_bytes(), 1_000), expected, "{a} {b}");
            let reached = Nearest::new(&a).distance(b.as_bytes(), 5);
            assert_eq!(reached <= 5, expected <= 5, "{a} {b}: {reached}");
        }
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
