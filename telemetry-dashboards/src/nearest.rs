//! The word that was probably meant.

/// Longer words are not compared: the work grows with the square of their length.
const MAX_LENGTH: usize = 100;

/// The known word that is nearest to a word, if one is near: at most a third of its letters are other ones.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_LENGTH {
        return None;
    }
    let word: Vec<char> = word.chars().collect();
    let allowed = (word.len() / 3).max(1);
    let near = known.into_iter().filter(|other| other.len() <= MAX_LENGTH).map(|other| (distance(&word, other), other));
    near.filter(|(distance, _)| (1..=allowed).contains(distance)).min().map(|(_, other)| other)
}

/// How many letters to add, to leave out, to exchange or to swap with their neighbour.
fn distance(word: &[char], other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in word.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, same) in other.iter().enumerate() {
            let exchanged = above[column] + usize::from(letter != same);
            let mut least = exchanged.min(above[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *letter == other[column - 1] && word[row - 1] == *same;
            if swapped {
                least = least.min(two_above[column - 1] + 1);
            }
            line.push(least);
        }
        two_above = std::mem::replace(&mut above, line);
    }
    above[other.len()]
}

/// `; did you mean …?`, or nothing.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let known = ["expr", "for", "labels", "annotations"];
        assert_eq!(nearest("exp", known), Some("expr"));
        assert_eq!(nearest("lables", known), Some("labels"));
        assert_eq!(nearest("severity", known), None);
        assert_eq!(nearest("for", known), None, "the word itself is no suggestion");
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(10_000), known), None);
    }
}
