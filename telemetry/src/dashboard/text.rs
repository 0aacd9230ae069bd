//! Text in a `const fn`: comparing it, and building a sentence in an array of bytes.

/// The most bytes of a sentence. A longer query is cut: the compiler's message is for reading, and the file has all of it.
const MOST: usize = 8 * 1024;

/// A sentence in the making.
pub(super) struct Text {
    bytes: [u8; MOST],
    len: usize,
}

impl Text {
    pub(super) const fn new() -> Text {
        Text { bytes: [0; MOST], len: 0 }
    }

    pub(super) const fn push(&mut self, text: &str) {
        // Lengths stand before loops here and in what follows: in the compiler a call costs more than all the rest of a round.
        let (from, len, mut at) = (text.as_bytes(), text.len(), 0);
        while at < len && self.len < MOST {
            self.bytes[self.len] = from[at];
            self.len += 1;
            at += 1;
        }
    }

    /// In back-ticks.
    pub(super) const fn quote(&mut self, text: &str) {
        self.push("`");
        self.push(text);
        self.push("`");
    }

    pub(super) const fn ends_with(&self, byte: u8) -> bool {
        self.len > 0 && self.bytes[self.len - 1] == byte
    }

    pub(super) const fn as_str(&self) -> &str {
        let bytes = self.bytes.split_at(self.len).0;
        match str::from_utf8(bytes) {
            Ok(text) => text,
            // Cut within a character: what stands before it.
            Err(error) => match str::from_utf8(bytes.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "",
            },
        }
    }
}

/// Whether two texts are equal.
pub(super) const fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && begins(a, b)
}

/// Whether a text begins with another.
pub(super) const fn begins(text: &str, with: &str) -> bool {
    let (len, mut at) = (with.len(), 0);
    if len > text.len() {
        return false;
    }
    let (text, with) = (text.as_bytes(), with.as_bytes());
    while at < len {
        if text[at] != with[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether a list has this text.
pub(super) const fn has(list: &[&str], text: &str) -> bool {
    let (len, mut at) = (list.len(), 0);
    while at < len {
        if same(list[at], text) {
            return true;
        }
        at += 1;
    }
    false
}
