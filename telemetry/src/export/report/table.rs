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
    /// Left out first where the line is too long.
    spare: bool,
}

impl Column {
    fn new(name: &'static str, align: Align) -> Column {
        Column { name, align, alarming: false, spare: false }
    }

    pub(super) fn left(name: &'static str) -> Column {
        Column::new(name, Align::Left)
    }

    pub(super) fn right(name: &'static str) -> Column {
        Column::new(name, Align::Right)
    }

    pub(super) fn wide(name: &'static str) -> Column {
        Column::new(name, Align::Wide)
    }

    pub(super) fn alarming(mut self) -> Column {
        self.alarming = true;
        self
    }

    pub(super) fn spare(mut self) -> Column {
        self.spare = true;
        self
    }
}

/// A title, rows of as many cells as there are columns, and a line below.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) note: Option<String>,
}

/// How a word looks on a terminal that has colours.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Title,
    Heading,
    Alarm,
    Note,
}

impl Style {
    pub(super) fn paint(self, text: &str, color: bool) -> String {
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
/// What wide columns keep at least, before spare columns go and after.
const WIDE_AT_LEAST: [usize; 2] = [24, 12];

impl Table {
    /// Keeps the first rows, says how many there are more, and leaves out columns in which nothing stands. Cells lose what
    /// would move the cursor: label values come from anywhere.
    pub(super) fn cut(mut self, max_rows: usize) -> Table {
        if let Some(more) = self.rows.len().checked_sub(max_rows).filter(|&more| more > 0) {
            let also = format!("… and {more} more; /metrics has them all");
            self.note = Some(self.note.map_or_else(|| also.clone(), |note| format!("{also}; {note}")));
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
    pub(super) fn text(&self, width: usize, color: bool) -> String {
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
        if let Some(note) = &self.note {
            for part in wrapped(note, width) {
                text += &(Style::Note.paint(&part, color) + "\n");
            }
        }
        text
    }

    /// Which columns are shown, and how wide each is.
    fn fit(&self, width: usize) -> (Vec<usize>, Vec<usize>) {
        let widest = |index: usize| {
            let cells = self.rows.iter().map(|row| length(&row[index]));
            cells.chain([length(self.columns[index].name)]).max().unwrap_or(0)
        };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut widths: Vec<usize> = shown.iter().map(|&index| widest(index)).collect();
        let overflow = |widths: &[usize]| {
            let gaps = GAP * widths.len().saturating_sub(1);
            (widths.iter().sum::<usize>() + gaps).saturating_sub(width)
        };
        for (round, at_least) in WIDE_AT_LEAST.into_iter().enumerate() {
            for (place, &index) in shown.iter().enumerate() {
                if self.columns[index].align == Align::Wide {
                    let least = at_least.min(widths[place]);
                    widths[place] = widths[place].saturating_sub(overflow(&widths)).max(least);
                }
            }
            let spare = |shown: &[usize]| shown.iter().rposition(|&index| self.columns[index].spare);
            while round == 0 && overflow(&widths) > 0 {
                let Some(place) = spare(&shown) else { break };
                shown.remove(place);
                widths.remove(place);
            }
        }
        (shown, widths)
    }

    /// A table as GitHub's Markdown has it.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {}\n\n", self.title);
        text += &line(self.columns.iter().map(|column| column.name.to_owned()).collect());
        let rule = |column: &Column| if column.align == Align::Right { "---:" } else { ":---" }.to_owned();
        text += &line(self.columns.iter().map(rule).collect());
        for row in &self.rows {
            let cells = self.columns.iter().zip(row);
            text += &line(cells.map(|(column, cell)| markdown_cell(cell, column.align)).collect());
        }
        match &self.note {
            Some(note) => text + "\n" + note + "\n",
            None => text,
        }
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
pub(super) fn plain(text: &str) -> String {
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
