//! How a variant's name becomes a value: serde's rules, so that a value is the same in both where the rule is.

/// A rule, in its own style.
#[derive(Clone, Copy, Default)]
pub(crate) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    #[default]
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

/// The rules by name. <https://serde.rs/container-attrs.html#rename_all>
const RULES: [(&str, Rule); 8] = [
    ("lowercase", Rule::Lower),
    ("UPPERCASE", Rule::Upper),
    ("PascalCase", Rule::Pascal),
    ("camelCase", Rule::Camel),
    ("snake_case", Rule::Snake),
    ("SCREAMING_SNAKE_CASE", Rule::ScreamingSnake),
    ("kebab-case", Rule::Kebab),
    ("SCREAMING-KEBAB-CASE", Rule::ScreamingKebab),
];

impl Rule {
    /// The rule of a name.
    pub(crate) fn of(name: &str) -> Option<Rule> {
        RULES.iter().find(|(rule, _)| *rule == name).map(|(_, rule)| *rule)
    }

    /// The names of the rules.
    pub(crate) fn names() -> [&'static str; 8] {
        RULES.map(|(name, _)| name)
    }

    /// The value of a variant. As with serde, each capital begins a word (`HTTPError` is `h_t_t_p_error`) and letters beyond ASCII stay
    /// as they are.
    pub(crate) fn value(self, variant: &str) -> String {
        match self {
            Rule::Pascal => variant.to_owned(),
            Rule::Lower => variant.to_ascii_lowercase(),
            Rule::Upper => variant.to_ascii_uppercase(),
            Rule::Camel => {
                let mut characters = variant.chars();
                let first = characters.next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(characters).collect()
            }
            Rule::Snake => words(variant, '_'),
            Rule::ScreamingSnake => words(variant, '_').to_ascii_uppercase(),
            Rule::Kebab => words(variant, '_').replace('_', "-"),
            Rule::ScreamingKebab => words(variant, '_').to_ascii_uppercase().replace('_', "-"),
        }
    }
}

/// In lower case, with a divider before each capital but the first letter.
fn words(variant: &str, divider: char) -> String {
    let mut words = String::with_capacity(variant.len() + 4);
    for (index, character) in variant.char_indices() {
        if index > 0 && character.is_uppercase() {
            words.push(divider);
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What serde's derive (1.0.229) makes of the same variants, by rule: the table of its own test and some names that are hard.
    /// <https://github.com/serde-rs/serde/blob/master/serde_derive/src/internals/case.rs>
    #[test]
    fn the_rules_are_serdes() {
        let variants = ["Outcome", "VeryTasty", "A", "Z42", "HTTPError", "With_Underscore"];
        let expected = [
            ("lowercase", ["outcome", "verytasty", "a", "z42", "httperror", "with_underscore"]),
            ("UPPERCASE", ["OUTCOME", "VERYTASTY", "A", "Z42", "HTTPERROR", "WITH_UNDERSCORE"]),
            ("PascalCase", variants),
            ("camelCase", ["outcome", "veryTasty", "a", "z42", "hTTPError", "with_Underscore"]),
            ("snake_case", ["outcome", "very_tasty", "a", "z42", "h_t_t_p_error", "with__underscore"]),
            ("SCREAMING_SNAKE_CASE", ["OUTCOME", "VERY_TASTY", "A", "Z42", "H_T_T_P_ERROR", "WITH__UNDERSCORE"]),
            ("kebab-case", ["outcome", "very-tasty", "a", "z42", "h-t-t-p-error", "with--underscore"]),
            ("SCREAMING-KEBAB-CASE", ["OUTCOME", "VERY-TASTY", "A", "Z42", "H-T-T-P-ERROR", "WITH--UNDERSCORE"]),
        ];
        for (name, values) in expected {
            let rule = Rule::of(name).expect(name);
            assert_eq!(variants.map(|variant| rule.value(variant)), values, "{name}");
        }
        assert_eq!(expected.map(|(name, _)| name), Rule::names());
    }

    #[test]
    fn letters_beyond_ascii_are_no_mistake() {
        assert_eq!(Rule::Snake.value("GrößteÄnderung"), "größte_Änderung");
        assert_eq!(Rule::Camel.value("Äpfel"), "Äpfel");
    }
}
