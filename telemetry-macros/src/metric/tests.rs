//! What a block expands to while it is being typed, as an editor sees it: tokens in, items out.

use super::metric;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ReturnType};

/// What came of a block.
struct Expanded {
    /// Each function, with its parameters and what it returns: `rows_total(table:&str)->Counter`.
    functions: Vec<String>,
    /// The types that have a `DESCRIPTOR`.
    described: Vec<String>,
    /// What `CATALOG` lists.
    catalog: String,
    errors: Vec<String>,
}

fn expanded(block: TokenStream) -> Expanded {
    let mut expanded = Expanded { functions: vec![], described: vec![], catalog: String::new(), errors: vec![] };
    let text = |tokens: &dyn quote::ToTokens| {
        let text = tokens.to_token_stream().to_string().replace(":: telemetry :: __private ::", "");
        text.replace("& str", "&str")
            .replace("impl  ", "impl ")
            .replace(" :", ":")
            .replace(" ::", "::")
            .trim()
            .to_owned()
    };
    for item in syn::parse2::<syn::File>(metric(block)).expect("items").items {
        match item {
            Item::Fn(function) => {
                let inputs: Vec<_> = function.sig.inputs.iter().map(|input| text(input)).collect();
                let ReturnType::Type(_, handle) = &function.sig.output else { panic!("a handle") };
                expanded.functions.push(format!("{}({}) {}", function.sig.ident, inputs.join(", "), text(handle)));
            }
            Item::Impl(described) => expanded.described.push(text(&described.self_ty)),
            Item::Const(constant) if constant.ident == "CATALOG" => {
                expanded.catalog = text(&constant.expr).replace("::DESCRIPTOR", "").replace(":: DESCRIPTOR", "");
            }
            Item::Macro(error) => expanded.errors.push(error.mac.tokens.to_string()),
            _ => {}
        }
    }
    expanded
}

/// The functions, after a look at what belongs to each.
fn functions(block: TokenStream, errors: &[&str]) -> Vec<String> {
    let expanded = expanded(block);
    let told = expanded.errors.join("\n");
    assert_eq!(expanded.errors.len(), errors.len(), "{told}");
    for error in errors {
        assert!(told.contains(error), "{error} is not in\n{told}");
    }
    let names: Vec<_> = expanded.functions.iter().filter_map(|function| function.split('(').next()).collect();
    assert_eq!(expanded.described, names, "each function has its type");
    for name in names {
        assert!(expanded.catalog.contains(name), "{name} is in {}", expanded.catalog);
    }
    expanded.functions
}

#[test]
fn a_missing_semicolon_costs_nothing_else() {
    let block = quote! {
        /// A.
        counter a_total(table: &str)
        /// B.
        pub histogram b_seconds() [0.1, 1]
        gauge c(on: bool)
        /// D.
        info d_info();
    };
    let errors = ["`a_total` ends with `;`", "`b_seconds` ends with `;`", "`c` ends with `;`", "`c` has no HELP"];
    let expected = ["a_total(table: &str) Counter", "b_seconds() Histogram", "c(on: bool) Gauge", "d_info() Info"];
    assert_eq!(functions(block, &errors), expected);
}

#[test]
fn parentheses_that_are_not_closed_end_at_the_next_declaration() {
    // An editor closes them at the end of the block.
    let block = quote! {
        /// A.
        counter a_total(table: &str, code
            /// B.
            pub(crate) gauge b(on: bool);
            /// C.
            histogram c_seconds(table: &str) [0.1, 0.2
                #[cfg(unix)] counter d_total(x:
                    gauge e();
                )
            ]
        )
    };
    let errors = [
        "`a_total` have no end; write `)`",
        "the label `code` has no type",
        "the bounds of `c_seconds` have no end; write `]`",
        "the labels of `d_total` have no end",
        "the label `x` has no type",
        "`d_total` has no HELP",
        "`e` has no HELP",
    ];
    let expected = [
        "a_total(table: &str, code: impl IntoLabel) Counter",
        "b(on: bool) Gauge",
        "c_seconds(table: &str) Histogram",
        "d_total(x: impl IntoLabel) Counter",
        "e() Gauge",
    ];
    assert_eq!(functions(block, &errors), expected);
}

#[test]
fn labels_that_are_half_written_are_parameters() {
    let block = quote! {
        /// A.
        counter a_total(code, table: &str, status:, kind: &, "x", self: &str, code: u8);
        /// B.
        counter b_total;
        /// C.
        counter c_total(table &str, on: bool);
    };
    let errors = [
        "the label `code` has no type",
        "the label `status` has no type",
        "the label `kind` has no type",
        "expected a label",
        "the label `self` cannot be",
        "the label `code` is given twice",
        "the labels of `b_total` are missing",
        "the label `table` has no type",
    ];
    let expected = [
        "a_total(code: impl IntoLabel, table: &str, status: impl IntoLabel, kind: impl IntoLabel, __label: &str, __label_5: u8) Counter",
        "b_total() Counter",
        "c_total(table: impl IntoLabel, on: bool) Counter",
    ];
    assert_eq!(functions(block, &errors), expected);
}

#[test]
fn a_declaration_that_has_just_begun_hides_none() {
    let begun = [
        quote!(coun),
        quote!(counter),
        quote!(pub),
        quote!(pub gauge),
        quote!(
            #[doc = " Doc."]
            coun
        ),
        quote!(
            #[doc = " Doc."]
            counter
        ),
        quote!(#),
        quote!(counter;),
        quote!("text"),
        quote!(5;),
        quote!(catalog),
        quote!(catalog =),
        quote!(crate = ;),
        quote!(
            fn f() {}
        ),
    ];
    for begun in begun {
        let block = quote! {
            #begun
            /// Rows.
            counter rows_total();
            /// Records.
            gauge waiting_records();
        };
        let expanded = expanded(block);
        assert_eq!(expanded.functions, ["rows_total() Counter", "waiting_records() Gauge"], "{begun}");
        assert_eq!(expanded.errors.len(), 1, "{begun}: {:?}", expanded.errors);
        let block = quote! {
            /// Rows.
            counter rows_total();
            #begun
        };
        let expanded = self::expanded(block);
        assert_eq!(expanded.functions, ["rows_total() Counter"], "{begun}");
        assert!(!expanded.errors.is_empty(), "{begun}");
    }
}

#[test]
fn a_name_that_is_being_typed_is_a_function() {
    let block = quote! {
        /// A.
        counter rows_
        /// B.
        gauge wait()
        counter counter();
        gauge
        gauge other(table: &str);
        histogram http.server.duration_seconds() [1, 2];
    };
    let expanded = expanded(block);
    let expected = [
        "rows_() Counter",
        "wait() Gauge",
        "counter() Counter",
        "other(table: &str) Gauge",
        "http_server_duration_seconds() Histogram",
    ];
    assert_eq!(expanded.functions, expected, "{:?}", expanded.errors);
    let told = expanded.errors.join("\n");
    assert!(told.contains("the gauge has no name"), "{told}");
    assert!(told.contains("has no `.`; write `http_server_duration_seconds`"), "{told}");
}

#[test]
fn what_is_wrong_is_expanded_so_that_its_uses_are_no_errors() {
    let block = quote! {
        counter Requests(job: &str, le: u8);
        /// Sizes.
        histogram size_kb(x: impl Sized) ["x", 3, 2, f64::NAN];
        /// Rows.
        conter rows_total();
        /// Times.
        summary times_seconds() [1];
        /// A type's name, which would hide the type.
        gauge str();
        /// Twice.
        gauge twice();
        /// Twice.
        gauge twice(other: &str);
        /// A keyword.
        gauge type();
    };
    let expanded = expanded(block);
    let expected = [
        "Requests(job: &str, le: u8) Counter",
        "size_kb(x: impl IntoLabel) Histogram",
        "rows_total() Counter",
        "times_seconds() Histogram",
        "twice() Gauge",
        "r#type() Gauge",
    ];
    assert_eq!(expanded.functions, expected);
    let told = expanded.errors.join("\n");
    assert_eq!(expanded.errors.len(), 13, "{told}");
}

#[test]
fn help_is_the_first_paragraph_of_any_comment() {
    let help = |block: TokenStream| {
        let tokens = metric(block).to_string();
        let from = tokens.find("help :").expect("a help") + "help : ".len();
        tokens[from..].split(" , unit").next().unwrap_or_default().to_owned()
    };
    let cases = [
        (quote!(#[doc = " Rows read,"] #[doc = " by table."] #[doc = ""] #[doc = " More."]), "Rows read, by table."),
        (quote!(#[doc = "\n     * Rows read,\n     * by table.\n     *\n     * More.\n     "]), "Rows read, by table."),
        (quote!(#[doc = " Rows read. "]), "Rows read."),
        (quote!(#[doc = "Rows\n* a * b\nread"]), "Rows * a * b read"),
        (quote!(#[doc = " A \"quote\" and a \\ backslash."]), r#"A \"quote\" and a \\ backslash."#),
    ];
    for (documentation, expected) in cases {
        assert_eq!(help(quote!(#documentation counter rows_total();)), format!("\"{expected}\""));
    }
    let computed = help(quote!(#[doc = " Rows."] #[doc = concat!("x")] counter rows_total();));
    assert!(computed.contains(r#"concat ! (" Rows." , "\n" , concat ! ("x") , "\n")"#), "{computed}");
}

#[test]
fn a_family_that_cannot_be_closed_costs_the_compiler_nothing() {
    let tokens = metric(quote! {
        /// Rows.
        counter rows_total(table: &str, on: bool, code: u16);
        /// Sizes.
        histogram size_bytes() [1, 10 * 10, 1 / 8 + 1000];
    })
    .to_string();
    assert!(!tokens.contains("CLOSED") && !tokens.contains("__VALUES") && !tokens.contains("__BOUNDS"), "{tokens}");
    assert!(tokens.contains("[1f64 , 100f64 , 1000.125f64]"), "{tokens}");
}

const BLOCK: &str = r#"crate = telemetry; catalog = ALL;
    /// Rows.
    pub counter rows_total(table: &str, code: u16);
    /// Sizes.
    pub(crate) histogram size_bytes(of: &Outcome<A, B>) [FIRST, 2 * FIRST, 10];
    #[cfg(unix)]
    #[doc = concat!("a", "b")]
    gauge waiting(r#type: bool);
    /** The build. */
    info build_info(version: &str);
    /// Sizes again.
    histogram other_bytes() [..BOUNDS];
"#;

/// The text up to a place, with what is open there closed, as an editor closes it. `None` within a token.
fn closed(text: &str, rest: &str) -> Option<TokenStream> {
    let mut open = Vec::new();
    for character in text.chars() {
        match character {
            '(' => open.push(')'),
            '[' => open.push(']'),
            ')' | ']' => drop(open.pop()),
            _ => {}
        }
    }
    // What comes behind is inside of what is open.
    let text = format!("{text} \n{rest}") + &open.into_iter().rev().collect::<String>();
    text.parse().ok()
}

#[test]
fn a_block_expands_at_every_keystroke() {
    let names = ["rows_total", "size_bytes", "waiting", "build_info", "other_bytes"];
    let rest = "/// Behind.\n counter behind_total();\n gauge last(on: bool);";
    let mut tried = 0;
    for (end, _) in BLOCK.char_indices() {
        let typed = &BLOCK[..end];
        let (Some(tokens), Some(with_rest)) = (closed(typed, ""), closed(typed, rest)) else { continue };
        tried += 1;
        let complete =
            names.iter().filter(|name| typed.split(**name).nth(1).is_some_and(|behind| behind.contains(';')));
        let complete: Vec<_> = complete.collect();
        for (tokens, others) in [(tokens, &[][..]), (with_rest, &["behind_total", "last"])] {
            let functions = expanded(tokens).functions;
            let functions: Vec<_> = functions.iter().filter_map(|function| function.split('(').next()).collect();
            for name in complete.iter().copied().chain(others) {
                assert!(functions.contains(name), "{name} is not in {functions:?} after {typed}");
            }
        }
    }
    assert!(tried > BLOCK.len() / 2, "only {tried} places were tried");
}
