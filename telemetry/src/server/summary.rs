//! What a person sees at `/report`: the report's tables as a page, for who has no script. Nothing is loaded.

use crate::export::report::{Align, Report, Table};
use crate::snapshot::Snapshot;
use std::fmt::{self, Write};

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.15rem .75rem;border-bottom:1px solid #8884;white-space:nowrap}\
th{text-align:left}td{font-variant-numeric:tabular-nums}.r{text-align:right}.w{white-space:normal}.note{opacity:.7}div{overflow-x:auto}";

/// The page of a snapshot; its links begin with `base`.
pub(super) fn summary(snapshot: &Snapshot, base: &str) -> String {
    let mut page = String::new();
    // Cannot fail: a `String` takes all.
    let _ = write(&mut page, &Report::of(snapshot), Escaped(base));
    page
}

fn write(page: &mut String, report: &Report, base: Escaped<'_>) -> fmt::Result {
    let title = Escaped(&report.service);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n<p>{}. As numbers for a scraper: <a href=\"{base}metrics\">/metrics</a>; as JSON: \
         <a href=\"{base}api/snapshot\">/api/snapshot</a>, <a href=\"{base}api/catalog\">/api/catalog</a>; alive: \
         <a href=\"{base}healthz\">/healthz</a>.</p>\n",
        Escaped(&report.headline())
    )?;
    let tables = report.tables();
    if tables.is_empty() {
        page.write_str("<p>Nothing has been recorded yet.</p>\n")?;
    }
    for shown in &tables {
        table(page, shown)?;
    }
    page.write_str("</body></html>\n")
}

fn table(page: &mut String, table: &Table) -> fmt::Result {
    write!(page, "<h2>{}</h2>\n<div><table><tr>", Escaped(table.title))?;
    let class = |align: Align| match align {
        Align::Right => " class=\"r\"",
        Align::Wide => " class=\"w\"",
        Align::Left => "",
    };
    for column in &table.columns {
        write!(page, "<th{}>{}</th>", class(column.align), Escaped(column.name))?;
    }
    page.write_str("</tr>\n")?;
    for row in &table.rows {
        page.write_str("<tr>")?;
        for (column, cell) in table.columns.iter().zip(row) {
            write!(page, "<td{}>{}</td>", class(column.align), Escaped(cell))?;
        }
        page.write_str("</tr>\n")?;
    }
    page.write_str("</table></div>\n")?;
    table.all_notes().iter().try_for_each(|note| writeln!(page, "<p class=\"note\">{}</p>", Escaped(note)))
}

/// Text that is neither a tag nor an end of an attribute, whatever is in it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_a_tag() {
        assert_eq!(
            Escaped("<Reader as Source>::\"next\" & 'x'").to_string(),
            "&lt;Reader as Source&gt;::&quot;next&quot; &amp; &#39;x&#39;"
        );
    }
}
