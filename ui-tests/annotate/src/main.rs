//! Puts `#[::telemetry::measured]` on every function in the files below a folder: `annotate FOLDER`.
//!
//! Only the attribute is added, on the function's own line: no other token moves to another line. Left out is what cannot be measured:
//! `const fn`, what has no body, and what is inside a macro.

use proc_macro2::LineColumn;
use std::io::{Error, Result};
use std::path::Path;
use std::{env, fs};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Signature, Visibility};

const ATTRIBUTE: &str = "#[::telemetry::measured] ";

fn main() -> Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| Error::other("annotate takes a folder"))?;
    let mut functions = 0;
    annotate_below(Path::new(&folder), &mut functions)?;
    println!("{functions} functions");
    Ok(())
}

fn annotate_below(path: &Path, functions: &mut usize) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            annotate_below(&entry?.path(), functions)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let text = fs::read_to_string(path)?;
        match annotated(&text) {
            Ok((text, count)) => {
                *functions += count;
                fs::write(path, text)?;
            }
            // Such as a file that is included where an expression stands.
            Err(error) => eprintln!("{}: left as it is: {error}", path.display()),
        }
    }
    Ok(())
}

fn annotated(text: &str) -> syn::Result<(String, usize)> {
    let file = syn::parse_file(text)?;
    let mut places = Places::default();
    places.visit_file(&file);
    places.0.sort_by_key(|place| std::cmp::Reverse((place.line, place.column)));
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for place in &places.0 {
        let line = &mut lines[place.line - 1];
        // Columns count characters.
        let at = line.char_indices().nth(place.column).map_or(line.len(), |(at, _)| at);
        line.insert_str(at, ATTRIBUTE);
    }
    Ok((lines.concat(), places.0.len()))
}

/// Where the functions begin, after their attributes.
#[derive(Default)]
struct Places(Vec<LineColumn>);

impl Places {
    fn function(&mut self, attributes: &[Attribute], visibility: Option<&Visibility>, signature: &Signature) {
        let is_naked = attributes.iter().any(|attribute| match &attribute.meta {
            syn::Meta::List(list) => list.path.is_ident("unsafe") && list.tokens.to_string() == "naked",
            meta => meta.path().is_ident("naked"),
        });
        if signature.constness.is_some() || signature.variadic.is_some() || is_naked {
            return;
        }
        let start = match visibility {
            None | Some(Visibility::Inherited) => signature.span().start(),
            Some(visibility) => visibility.span().start(),
        };
        self.0.push(start);
    }
}

impl<'a> Visit<'a> for Places {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.attrs, Some(&item.vis), &item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if item.defaultness.is_none() {
            self.function(&item.attrs, Some(&item.vis), &item.sig);
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if item.default.is_some() {
            self.function(&item.attrs, None, &item.sig);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::annotated;

    #[test]
    fn every_function_with_a_body_is_annotated_on_its_own_line() {
        let text = "/// ä\n#[inline] pub(crate) fn a() {\n    fn b() {}\n}\nconst fn c() {}\n\
                    trait D {\n    fn e();\n    unsafe fn f() {}\n}\nimpl G { /* ä */ async fn h() {} const fn i() {} }\n";
        let expected = "/// ä\n#[inline] M pub(crate) fn a() {\n    M fn b() {}\n}\nconst fn c() {}\n\
                    trait D {\n    fn e();\n    M unsafe fn f() {}\n}\nimpl G { /* ä */ M async fn h() {} const fn i() {} }\n";
        let (text, count) = annotated(text).unwrap();
        assert_eq!((text.replace("#[::telemetry::measured]", "M"), count), (expected.to_owned(), 4));
    }
}
