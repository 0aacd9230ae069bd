//! The expansion of each shape is kept as a file, so that a change in it is seen: `ui-tests/expand/`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{Attribute, File, Item, Meta};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests/expand")
}

/// What users write, by name.
fn inputs() -> Vec<(String, PathBuf)> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<_> = paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned();
            (!name.ends_with(".expanded")).then_some((name, path))
        })
        .collect();
    inputs.sort();
    inputs
}

fn attributes(item: &mut Item) -> &mut Vec<Attribute> {
    match item {
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        other => panic!("{} is not measured", other.to_token_stream()),
    }
}

/// Every item of a file, expanded as the compiler would, and printed as a person would write it.
fn expanded(text: &str) -> String {
    let mut tokens = TokenStream::new();
    for mut item in syn::parse_file(text).unwrap().items {
        let attribute = attributes(&mut item).remove(0);
        let words = match &attribute.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let item = item.into_token_stream();
        tokens.extend(match attribute.meta.path().get_ident() {
            Some(name) if name == "experiment" => crate::experiment::experiment(words, item),
            _ => super::measured(words, item),
        });
    }
    prettyplease::unparse(&syn::parse2::<File>(tokens).unwrap())
}

#[test]
fn expansions_are_those_that_are_kept() {
    let overwrites = env::var("EXPAND").is_ok_and(|value| value == "overwrite");
    let inputs = inputs();
    assert!(inputs.len() >= 10, "{inputs:?}");
    for (name, path) in inputs {
        let text = expanded(&fs::read_to_string(path).unwrap());
        let kept = folder().join(format!("{name}.expanded.rs"));
        if overwrites {
            fs::write(kept, text).unwrap();
        } else {
            let expected = fs::read_to_string(&kept).unwrap_or_default();
            assert_eq!(text, expected, "{}: if it is meant, EXPAND=overwrite writes it anew", kept.display());
        }
    }
}

#[test]
fn an_expansion_is_the_same_each_time() {
    for (name, path) in inputs() {
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(expanded(&text), expanded(&text), "{name}");
    }
}
