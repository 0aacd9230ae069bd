//! Protobuf's wire format, as far as writing needs it. <https://protobuf.dev/programming-guides/encoding/>
//!
//! By hand as the text formats are, since it is less than the glue to a library: nothing is copied into messages first, and every program
//! that serves metrics would compile what derives them. The tests read it with two libraries.

/// A message that is being written.
#[derive(Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// The ways in which a field's value can be laid out.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const DELIMITED: u32 = 2;

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.key(field, FIXED_64);
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// `uint64`, `uint32`, an enumeration, and an `int64` or `int32` that is not negative.
    pub(super) fn unsigned(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    /// `sint64` and `sint32`.
    pub(super) fn signed(&mut self, field: u32, value: i64) {
        self.unsigned(field, zigzag(value));
    }

    /// `repeated sint64`, all in one.
    pub(super) fn packed(&mut self, field: u32, values: impl Iterator<Item = i64>) {
        self.message(field, |within| values.for_each(|value| within.varint(zigzag(value))));
    }

    pub(super) fn string(&mut self, field: u32, text: &str) {
        self.key(field, DELIMITED);
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A message within this one.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        self.key(field, DELIMITED);
        let start = self.begin();
        write(self);
        self.end(start);
    }

    /// Leaves room for a length, and gives its place.
    pub(super) fn begin(&mut self) -> usize {
        self.bytes.push(0);
        self.bytes.len()
    }

    /// Writes the length of all since then. Where it does not fit into one byte, what was written moves.
    pub(super) fn end(&mut self, start: usize) {
        let length = self.bytes.len().saturating_sub(start);
        // Both are there: they were when the message began.
        let Some(place) = start.checked_sub(1) else { return };
        let Some(first) = self.bytes.get_mut(place) else { return };
        *first = low_seven_bits(length as u64);
        if length >= 0x80 {
            *first |= 0x80;
            let mut rest = Message::default();
            rest.varint(length as u64 >> 7);
            self.bytes.splice(start..start, rest.bytes);
        }
    }

    fn key(&mut self, field: u32, layout: u32) {
        self.varint(u64::from(field << 3 | layout));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(low_seven_bits(value) | 0x80);
            value >>= 7;
        }
        self.bytes.push(low_seven_bits(value));
    }
}

fn low_seven_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, 2.
#[expect(clippy::cast_sign_loss, reason = "the bits, of which the sign is the last")]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_documentation_of_the_format_shows() {
        let written = |write: fn(&mut Message)| {
            let mut message = Message::default();
            write(&mut message);
            message.into_bytes()
        };
        assert_eq!(written(|message| message.unsigned(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(written(|message| message.string(2, "testing")), b"\x12\x07testing");
        assert_eq!(
            written(|message| message.message(3, |within| within.unsigned(1, 150))),
            [0x1a, 3, 0x08, 0x96, 0x01]
        );
        assert_eq!(written(|message| message.packed(6, [0, -1, 1, -2].into_iter())), [0x32, 4, 0, 1, 2, 3]);
        assert_eq!(written(|message| message.signed(16, -64)), [0x80, 0x01, 127]);
        assert_eq!(written(|message| message.double(1, 1.0)), [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!([0, i64::MAX, i64::MIN].map(zigzag), [0, u64::MAX - 1, u64::MAX]);
    }

    #[test]
    fn a_long_message_has_a_long_length() {
        let mut message = Message::default();
        message.string(1, "before");
        message.message(2, |within| within.string(1, &"x".repeat(300)));
        let bytes = message.into_bytes();
        assert_eq!(bytes[..14], *b"\x0a\x06before\x12\xaf\x02\x0a\xac\x02");
        assert_eq!(bytes.len(), 8 + 3 + 303);
    }
}
