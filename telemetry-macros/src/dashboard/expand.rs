//! What the files become. Cannot fail.
//!
//! One constant for each thing that is asked, of one call: with all in one constant the first that is refused would hide the others, and a
//! sentence in a constant of its own is made for every one, refused or not (1,200 of them took 47 s).

use crate::dashboard::args::Args;
use crate::dashboard::read::{Findings, place, query};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use std::collections::BTreeMap;
use syn::{LitStr, Path, parse_quote};
use telemetry_dashboards::{Ask, Bound, Comparison, Demand, Reads, Sample, Suffix, hash};

/// The checks, and the test.
pub(crate) fn dashboards(args: &Args, findings: &Findings, line: usize) -> TokenStream {
    let library = args.crate_path.clone().unwrap_or_else(|| parse_quote!(::telemetry));
    let watched = findings.files.iter().map(|(path, span)| {
        // So that Cargo compiles again when the file changes.
        quote_spanned!(lent(*span)=> const _: &[u8] = __dashboards::core::include_bytes!(#path);)
    });
    let names = names(findings);
    let given = names.iter().map(|(name, number)| {
        let (constant, sample) = (given(*number), sample(&Sample::new(name), Span::mixed_site()));
        quote!(const #constant: __dashboards::Given<'static> = __dashboards::Given::new(__FAMILIES, &#sample);)
    });
    let checks = findings.demands.iter().map(|(demand, span)| check(demand, &names, *span));
    let catalogs = &args.catalogs;
    let test = args.test.unwrap_or(true).then(|| test(args, &library, line));
    quote! {
        #[allow(unused, long_running_const_eval, clippy::all, clippy::pedantic, clippy::nursery)]
        const _: () = {
            use #library::__private::dashboard as __dashboards;
            const __CATALOGS: &[&[__dashboards::Descriptor]] = &[#(#catalogs),*];
            const __ENTRIES: &[__dashboards::Entry] =
                &__dashboards::entries::<{ __dashboards::count(__CATALOGS) }>(__CATALOGS);
            const __FAMILIES: &__dashboards::Families<'static> = &__dashboards::Families::new(__CATALOGS, __ENTRIES);
            #(#watched)*
            #(#given)*
            #(#checks)*
        };
        #test
    }
}

/// The place of a user's token, without its rights: names and lints are the macro's.
fn lent(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The series that are asked for, each once and with a number: whether it is given, and what was meant if it is not, is one constant. A
/// name that is wrong is often wrong in many panels, and to find what was meant took 0.05 s for each.
fn names(findings: &Findings) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for (demand, _) in &findings.demands {
        if let Ask::Series(sample) = &demand.ask {
            let next = names.len();
            names.entry(sample.name.as_str()).or_insert(next);
        }
    }
    names
}

fn given(number: usize) -> Ident {
    Ident::new(&format!("__GIVEN_{number}"), Span::mixed_site())
}

fn check(demand: &Demand, names: &BTreeMap<&str, usize>, span: Span) -> TokenStream {
    let (place, query) = (place(&demand.place), query(&demand.place));
    let at = quote_spanned!(lent(span)=> __dashboards::At { place: #place, query: #query });
    // The call is at the user's token as if it stood there: else each error would say that it comes from a macro.
    let call = match &demand.ask {
        Ask::Series(series) => {
            let (series, given) =
                (sample(series, lent(span)), given(names.get(series.name.as_str()).copied().unwrap_or_default()));
            quote_spanned!(span=> __dashboards::must_be_given(__FAMILIES, &#at, &#series, &#given))
        }
        other => {
            let ask = ask(other, lent(span));
            quote_spanned!(span=> __dashboards::must(__FAMILIES, &#at, &__dashboards::Ask::#ask))
        }
    };
    quote_spanned!(lent(span)=> const _: () = #call;)
}

fn ask(ask: &Ask, span: Span) -> TokenStream {
    match ask {
        Ask::Series(sample) => {
            let sample = self::sample(sample, span);
            quote_spanned!(span=> Series(#sample))
        }
        Ask::Prefix(prefix) => quote_spanned!(span=> Prefix(#prefix)),
        Ask::Label { label, of, reads } => {
            let (of, reads) = (of.iter().map(|one| sample(one, span)), self::reads(*reads));
            quote_spanned!(span=> Label { label: #label, of: &[#(#of),*], reads: __dashboards::Reads::#reads })
        }
        Ask::Counts { sample, function } => {
            let sample = self::sample(sample, span);
            quote_spanned!(span=> Counts { sample: #sample, function: #function })
        }
        Ask::Shown(sample) => {
            let sample = self::sample(sample, span);
            quote_spanned!(span=> Shown(#sample))
        }
        Ask::Buckets(sample) => {
            let sample = self::sample(sample, span);
            quote_spanned!(span=> Buckets(#sample))
        }
        Ask::Threshold { sample, comparison, value } => {
            let (sample, comparison) = (self::sample(sample, span), self::comparison(*comparison));
            let (text, value) = (value.to_string(), number(*value, span));
            quote_spanned! {span=>
                Threshold {
                    sample: #sample, comparison: __dashboards::Comparison::#comparison, value: #value, text: #text
                }
            }
        }
        Ask::Bound { sample, le } => {
            let sample = self::sample(sample, span);
            let value: f64 = le.parse().unwrap_or(f64::NAN);
            let (spelling, value) = (Bound(value).to_string(), number(value, span));
            quote_spanned!(span=> Bound { sample: #sample, le: #le, value: #value, spelling: #spelling })
        }
    }
}

fn sample(sample: &Sample, span: Span) -> TokenStream {
    let (name, own, stem) = (&sample.name, hash(&sample.name), hash(sample.stem()));
    let suffix = match sample.suffix {
        Suffix::None => "None",
        Suffix::Bucket => "Bucket",
        Suffix::Sum => "Sum",
        Suffix::Count => "Count",
    };
    let suffix = Ident::new(suffix, span);
    quote_spanned! {span=>
        __dashboards::Sample { name: #name, suffix: __dashboards::Suffix::#suffix, hash: #own, stem_hash: #stem }
    }
}

/// By its bits, since not every number has a literal.
fn number(value: f64, span: Span) -> TokenStream {
    let bits = value.to_bits();
    quote_spanned!(span=> f64::from_bits(#bits))
}

fn reads(reads: Reads) -> Ident {
    format_ident!("{reads:?}")
}

fn comparison(comparison: Comparison) -> Ident {
    format_ident!("{comparison:?}")
}

/// The same check once more when tests run, which sees files that are new.
fn test(args: &Args, library: &Path, line: usize) -> TokenStream {
    let name = format_ident!("dashboards_at_line_{line}");
    let Args { files, rules, catalogs, foreign, function_labels, .. } = args;
    let root = args.root.as_ref().map(LitStr::value).unwrap_or_default();
    let target_labels = args.target_labels.iter().map(|labels| quote!(.target_labels([#(#labels),*])));
    let foreign = (!foreign.is_empty()).then(|| quote!(.foreign([#(#foreign),*])));
    let function_labels = (!function_labels.is_empty()).then(|| quote!(.function_labels([#(#function_labels),*])));
    let core = quote!(#library::__private::core);
    quote! {
        #[cfg(test)]
        #[#core::prelude::v1::test]
        #[allow(clippy::all, clippy::pedantic)]
        fn #name() -> #core::result::Result<(), #library::__private::dashboard::Failed> {
            #library::__private::dashboard::test(
                &#library::__private::dashboard::sources(#core::env!("CARGO_MANIFEST_DIR"), #root)
                    #(.files(#files))* #(.rules(#rules))* #(.catalog(#catalogs))*
                    #foreign #(#target_labels)* #function_labels
            )
        }
    }
}
