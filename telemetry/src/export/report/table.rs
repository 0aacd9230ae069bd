//! Rows and columns for people. Cells are as they will be read; only their place is settled here.

/// Where a cell stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    /// Left, and shortened where the line is too long.
    Wide,
}

pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) align: Align,
    /// What is in it is nothing good.
    alarming: bool,
    /// Where the line is too long, columns are left out, those of the highest rank first; 0 stays.
    spare: u8,
}

impl Column {
    fn new(name: &'static str, align: Align) -> Column {
        Column { name, align, alarming: false, spare: 0 }
    }

    pub(crate) fn left(name: &'static str) -> Column {
        Column::new(name, Align::Left)
    }

    pub(crate) fn right(name: &'static str) -> Column {
        Column::new(name, Align::Right)
    }

    pub(crate) fn wide(name: &'static str) -> Column {
        Column::new(name, Align::Wide)
    }

    pub(crate) fn alarming(mut self) -> Column {
        self.alarming = true;
        self
    }

    pub(crate) fn spare(mut self, rank: u8) -> Column {
        self.spare = rank;
        self
    }
}

/// A title, rows of as many cells as there are columns, and what is said below.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) notes: Vec<String>,
    /// Names of columns, or [`ESTIMATE`], each with what it means.
    pub(crate) legend: &'static [(&'static str, &'static str)],
}

/// Stands in cells before the standard error of a figure that is estimated.
pub(crate) const ESTIMATE: &str = "±";

/// How a word looks on a terminal that has colours.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Title,
    Heading,
    Alarm,
    Note,
}

impl Style {
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            Style::Title => "1",
            Style::Heading => "4",
            Style::Alarm => "31",
            Style::Note => "2",
        };
        if color && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Between columns.
const GAP: usize = 2;
/// What wide columns keep at least: so that spare columns have room, and where that is not enough.
const WIDE_AT_LEAST: [usize; 2] = [24, 12];

impl Table {
    /// Keeps the first rows, says how many there are more, and leaves out columns in which nothing stands. Cells lose what
    /// would move the cursor: label values come from anywhere.
    pub(crate) fn cut(mut self, max_rows: usize) -> Table {
        if let Some(more) = self.rows.len().checked_sub(max_rows).filter(|&more| more > 0) {
            self.notes.insert(0, format!("… and {more} more; /metrics has them all"));
        }
        self.rows.truncate(max_rows);
        self.rows.iter_mut().flatten().for_each(|cell| *cell = plain(cell));
        for index in (0..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row[index].is_empty()) {
                self.drop_column(index);
            }
        }
        self
    }

    fn drop_column(&mut self, index: usize) {
        self.columns.remove(index);
        for row in &mut self.rows {
            row.remove(index);
        }
    }

    /// Aligned columns, at most `width` wide where that can be had.
    pub(crate) fn text(&self, width: usize, color: bool) -> String {
        let (shown, widths) = self.fit(width);
        let mut text = Style::Title.paint(self.title, color) + "\n";
        let line = |cell: &dyn Fn(usize) -> (String, Option<Style>)| {
            let mut line = String::new();
            for (place, &index) in shown.iter().enumerate() {
                let (word, style) = cell(index);
                let word = shortened(&word, widths[place]);
                let padding = " ".repeat(widths[place].saturating_sub(length(&word)));
                let word = style.map_or_else(|| word.clone(), |style| style.paint(&word, color));
                let gap = if place == 0 { "" } else { &" ".repeat(GAP) };
                line += gap;
                line += &if self.columns[index].align == Align::Right { padding + &word } else { word + &padding };
            }
            line.trim_end().to_owned() + "\n"
        };
        text += &line(&|index| (self.columns[index].name.to_owned(), Some(Style::Heading)));
        for row in &self.rows {
            text += &line(&|index| (row[index].clone(), self.columns[index].alarming.then_some(Style::Alarm)));
        }
        let below = self.left_out(&shown).into_iter().chain(self.notes_on(&shown));
        for part in below.flat_map(|note| wrapped(&note, width)) {
            text += &(Style::Note.paint(&part, color) + "\n");
        }
        text
    }

    /// What is said below the whole table.
    pub(crate) fn all_notes(&self) -> Vec<String> {
        self.notes_on(&(0..self.columns.len()).collect::<Vec<_>>())
    }

    /// What is said where these columns are shown.
    fn notes_on(&self, shown: &[usize]) -> Vec<String> {
        let is_there = |word: &str| {
            let stands = |index: usize| self.rows.iter().any(|row| row[index].contains(word));
            shown.iter().any(|&index| if word == ESTIMATE { stands(index) } else { self.columns[index].name == word })
        };
        let legend: Vec<_> = self.legend.iter().filter(|(word, _)| is_there(word)).map(|(_, text)| *text).collect();
        let legend = (!legend.is_empty()).then(|| legend.join("; "));
        self.notes.iter().cloned().chain(legend).collect()
    }

    /// Which columns there was no room for.
    fn left_out(&self, shown: &[usize]) -> Option<String> {
        let left_out = self.columns.iter().enumerate().filter(|(index, _)| !shown.contains(index));
        let names: Vec<_> = left_out.map(|(_, column)| column.name).collect();
        (!names.is_empty()).then(|| format!("no room for: {}", names.join(", ")))
    }

    /// Which columns are shown, and how wide each is. Spare ones are there as far as there is room, wide ones being short.
    fn fit(&self, width: usize) -> (Vec<usize>, Vec<usize>) {
        let widest: Vec<usize> = self.columns.iter().enumerate().map(|(index, _)| self.widest(index)).collect();
        let is_wide = |index: usize| self.columns[index].align == Align::Wide;
        let overflow = |shown: &[usize], widths: &dyn Fn(usize) -> usize| {
            let gaps = GAP * shown.len().saturating_sub(1);
            (shown.iter().map(|&index| widths(index)).sum::<usize>() + gaps).saturating_sub(width)
        };
        let short = |index: usize| if is_wide(index) { widest[index].min(WIDE_AT_LEAST[0]) } else { widest[index] };
        let (mut shown, mut spare): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(|&index| self.columns[index].spare == 0);
        spare.sort_by_key(|&index| self.columns[index].spare);
        for index in spare {
            shown.push(index);
            if overflow(&shown, &short) > 0 {
                shown.pop();
            }
        }
        shown.sort_unstable();
        let mut widths = widest.clone();
        for at_least in WIDE_AT_LEAST {
            for &index in shown.iter().filter(|&&index| is_wide(index)) {
                let less = overflow(&shown, &|index| widths[index]);
                widths[index] = widths[index].saturating_sub(less).max(at_least.min(widths[index]));
            }
        }
        let widths = shown.iter().map(|&index| widths[index]).collect();
        (shown, widths)
    }

    fn widest(&self, index: usize) -> usize {
        let cells = self.rows.iter().map(|row| length(&row[index]));
        cells.chain([length(self.columns[index].name)]).max().unwrap_or(0)
    }

    /// A table as GitHub's Markdown has it.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {}\n\n", self.title);
        text += &line(self.columns.iter().map(|column| column.name.to_owned()).collect());
        let rule = |column: &Column| if column.align == Align::Right { "---:" } else { ":---" }.to_owned();
        text += &line(self.columns.iter().map(rule).collect());
        for row in &self.rows {
            let cells = self.columns.iter().zip(row);
            text += &line(cells.map(|(column, cell)| markdown_cell(cell, column.align)).collect());
        }
        self.all_notes().iter().fold(text, |text, note| text + "\n" + &markdown_cell(note, Align::Left) + "\n")
    }
}

/// Names are code; in code only the bar needs care, and a back-tick, which would end it.
fn markdown_cell(cell: &str, align: Align) -> String {
    let cell = cell.replace('|', "\\|");
    match align {
        Align::Wide if !cell.is_empty() => format!("`{}`", cell.replace('`', "'")),
        _ => cell.replace('`', "\\`").replace('<', "&lt;"),
    }
}

/// One line without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.split(|character: char| character.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The beginning and the end: names differ in their last part, statements in both.
fn shortened(text: &str, width: usize) -> String {
    let len = length(text);
    if len <= width {
        return text.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1 + tail);
    let beginning: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(len - tail).collect();
    format!("{beginning}…{end}")
}

/// Lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_left_out() {
        assert_eq!(shortened("<Reader as Source>::next", 12), "<Reade…:next");
        assert_eq!(shortened("short", 12), "short");
        assert_eq!(length(&shortened("größenordnung der größe", 9)), 9);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31m\r\n\tb"), "a [31m b");
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        assert_eq!(markdown_cell("a | `b`", Align::Wide), "`a \\| 'b'`");
    }
}
