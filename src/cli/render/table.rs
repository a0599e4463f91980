//! Tables for terminals and for pipes.
//!
//! A terminal that is too narrow gets fewer columns instead of wrapped lines; a pipe gets all of
//! them, plain. Columns are as wide as what they show, in any script.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

use super::super::out::Screen;
use super::styled;

/// Stands around a styled text while the table is laid out: it has no width, and no text that is
/// shown has it (see [`super::escape`]).
const MARK: char = '\u{2060}';

/// Between two columns.
const GAP: usize = 2;

/// One column.
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// When the terminal is too narrow, the column with the highest number goes first; 0 stays.
    pub expendable: u8,
    /// Numbers stand on the right.
    pub right: bool,
}

/// One cell.
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// How.
    pub style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell { text, style: Style::new() }
    }
}

/// The rows under the titles of the columns, a line each.
pub fn render(columns: &[Column], rows: &[Vec<Cell>], screen: Screen) -> String {
    let shown = fitting(columns, &widths(columns, rows), screen.width);
    let mut grid = empty_grid();
    grid.set_header(shown.iter().map(|&c| columns[c].title));
    let mut styles = Vec::new();
    for row in rows {
        grid.add_row(shown.iter().map(|&c| {
            let cell = &row[c];
            if screen.color && cell.style != Style::new() {
                styles.push(cell.style);
                format!("{MARK}{}{MARK}", cell.text)
            } else {
                cell.text.clone()
            }
        }));
    }
    for (place, &c) in shown.iter().enumerate() {
        if let Some(column) = grid.column_mut(place) {
            let right = if place + 1 == shown.len() { 0 } else { GAP as u16 };
            column.set_padding((0, right));
            column.set_cell_alignment(if columns[c].right {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            });
        }
    }
    let mut text = String::new();
    let mut styles = styles.into_iter();
    for (number, line) in grid.lines().enumerate() {
        let line = line.trim_end();
        if number == 0 {
            text.push_str(&styled(line, Style::new().bold(), screen.color));
        } else {
            text.push_str(&unmark(line, &mut styles));
        }
        text.push('\n');
    }
    text
}

fn empty_grid() -> Grid {
    let mut grid = Grid::new();
    grid.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    grid
}

/// Puts the styles where the marks are.
fn unmark(line: &str, styles: &mut impl Iterator<Item = Style>) -> String {
    let mut text = String::new();
    for (number, part) in line.split(MARK).enumerate() {
        let style = if number % 2 == 1 { styles.next().unwrap_or_default() } else { Style::new() };
        text.push_str(&styled(part, style, true));
    }
    text
}

/// How wide each column has to be.
fn widths(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut grid = empty_grid();
    grid.set_header(columns.iter().map(|column| column.title));
    for row in rows {
        grid.add_row(row.iter().map(|cell| cell.text.clone()));
    }
    grid.column_max_content_widths().into_iter().map(usize::from).collect()
}

/// The columns that fit into that width.
fn fitting(columns: &[Column], widths: &[usize], width: Option<usize>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let Some(width) = width else { return shown };
    loop {
        let needed = shown.iter().map(|&c| widths[c]).sum::<usize>() + GAP * shown.len().saturating_sub(1);
        let least = shown
            .iter()
            .copied()
            .filter(|&c| columns[c].expendable > 0)
            .max_by_key(|&c| columns[c].expendable);
        match least {
            Some(least) if needed > width => shown.retain(|&c| c != least),
            Some(_) | None => return shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;

    const COLUMNS: [Column; 3] = [
        Column { title: "id", expendable: 0, right: true },
        Column { title: "name", expendable: 0, right: false },
        Column { title: "memory", expendable: 1, right: true },
    ];

    fn rows() -> Vec<Vec<Cell>> {
        let row = |id: &str, name: &str, memory: &str, color: AnsiColor| {
            let name = Cell { text: name.into(), style: color.on_default() };
            vec![Cell::from(id.to_owned()), name, Cell::from(memory.to_owned())]
        };
        vec![row("1", "日本", "1 B", AnsiColor::Green), row("10", "web", "20 B", AnsiColor::Red)]
    }

    fn check(width: Option<usize>, color: bool, expected: &str) {
        assert_eq!(render(&COLUMNS, &rows(), Screen { width, color }), expected);
    }

    #[test]
    fn a_pipe_gets_plain_aligned_columns() {
        check(None, false, "id  name  memory\n 1  日本     1 B\n10  web     20 B\n");
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns() {
        check(Some(16), false, "id  name  memory\n 1  日本     1 B\n10  web     20 B\n");
        check(Some(15), false, "id  name\n 1  日本\n10  web\n");
        check(Some(3), false, "id  name\n 1  日本\n10  web\n");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let plain = render(&COLUMNS, &rows(), Screen { width: Some(80), color: false });
        let colored = render(&COLUMNS, &rows(), Screen { width: Some(80), color: true });
        assert!(colored.contains("\u{1b}[32m日本\u{1b}[0m"), "{colored:?}");
        assert!(colored.contains("\u{1b}[31mweb\u{1b}[0m"), "{colored:?}");
        let mut stripped = colored;
        for code in ["\u{1b}[1m", "\u{1b}[32m", "\u{1b}[31m", "\u{1b}[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }
}
