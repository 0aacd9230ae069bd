use super::{MAX_DEPTH, Node, documents};

fn one(text: &str) -> Node {
    match documents(text).as_deref() {
        Ok([document]) => document.as_ref().clone(),
        other => panic!("{text}: {other:?}"),
    }
}

fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(node, |node, key| node.get(key)).and_then(Node::text)
}

#[test]
fn scalars_stay_as_they_are_written() {
    let node = one("{a: 5m, b: 1.50, c: yes, d: '~', e: ~, f: , g: \"\"}");
    assert_eq!(text(&node, &["a"]), Some("5m"));
    assert_eq!(text(&node, &["b"]), Some("1.50"));
    assert_eq!(text(&node, &["c"]), Some("yes"));
    assert_eq!(text(&node, &["d"]), Some("~"));
    assert!(node.get("e").is_none() && node.get("f").is_none());
    assert_eq!(text(&node, &["g"]), Some(""));
}

#[test]
fn documents_aliases_and_merges_are_understood() {
    assert_eq!(documents("a: 1\n---\nb: 2\n...\n---\n").map(|documents| documents.len()), Ok(3));
    assert_eq!(documents("").map(|documents| documents.len()), Ok(0));
    let node =
        one("base: &base {severity: page, team: a}\nrule: {<<: *base, team: b}\nother: {<<: [*base, {more: c}]}");
    assert_eq!(text(&node, &["rule", "severity"]), Some("page"));
    assert_eq!(text(&node, &["rule", "team"]), Some("b"), "a map's own key goes first");
    assert_eq!(text(&node, &["other", "more"]), Some("c"));
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let error = |text: &str| documents(text).err().unwrap_or_else(|| panic!("{text} is taken"));
    assert_eq!(error("a: 1\na: 2\n"), "`a` is given twice at line 2 column 4");
    assert!(error("a:\n\t- b\n").contains("at line 2 column"), "{}", error("a:\n\t- b\n"));
    assert!(error("a: 'b\n").contains("at line"), "{}", error("a: 'b\n"));
    assert!(error("a: *b\n").contains("anchor at line 1"), "{}", error("a: *b\n"));
    assert!(error("a: &a [*a]\n").contains("stands inside"), "{}", error("a: &a [*a]\n"));
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(200), "? ".repeat(50_000)] {
        assert!(documents(&text).is_err());
    }
    let deep = format!("{}x", "- ".repeat(MAX_DEPTH + 1));
    assert!(documents(&deep).err().is_some_and(|error| error.contains("nested deeper than 100")));
}

#[test]
fn aliases_of_aliases_do_not_fill_the_memory() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
    }
    assert!(documents(&bomb).err().is_some_and(|error| error.contains("with what the aliases stand for")));
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), vec!["*a"; 10_000].join(", "));
    assert!(documents(&long).is_err(), "long texts count as much as many values");
    let merges = format!(
        "a: &a {{{}}}\nb:\n{}",
        (0..1_000).map(|n| format!("k{n}: 1, ")).collect::<String>(),
        "- <<: *a\n".repeat(2_000)
    );
    assert!(documents(&merges).is_err(), "and what is merged too");
}
