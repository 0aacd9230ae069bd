//! The hash that a name is looked up by when compiling.

/// FNV-1a in 64 bits: the macro hashes what is asked, a `const fn` what is declared. <http://www.isthe.com/chongo/tech/comp/fnv/>
#[must_use]
pub const fn hash(text: &str) -> u64 {
    let (bytes, len) = (text.as_bytes(), text.len());
    let (mut state, mut at) = (0xCBF2_9CE4_8422_2325_u64, 0);
    while at < len {
        // The low half of the product, without a call: in the compiler that costs more than all the rest of a round.
        state = ((state ^ bytes[at] as u64) as u128 * 0x100_0000_01B3) as u64;
        at += 1;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the reference's test vectors.
        assert_eq!(hash(""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(hash("a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(hash("foobar"), 0x8594_4171_F739_67E8);
    }
}
