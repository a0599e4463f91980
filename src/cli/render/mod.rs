//! How things look: tables, colours, units, and lines that others wrote.

pub mod date_format;
pub mod escape;
pub mod table;
pub mod units;

use anstyle::{AnsiColor, Style};

/// The colour of a status (acceptance row B16). Statuses that this program does not know yet have
/// none.
pub fn status_style(status: &str) -> Style {
    let color = match status {
        "online" => AnsiColor::Green,
        "stopped" | "errored" => AnsiColor::Red,
        "starting" | "stopping" => AnsiColor::Yellow,
        "restarting" => AnsiColor::Blue,
        _ => return Style::new(),
    };
    color.on_default()
}

/// The colour of a health word.
pub fn health_style(health: &str) -> Style {
    match health {
        "healthy" => AnsiColor::Green.on_default(),
        "unhealthy" => AnsiColor::Red.on_default(),
        _ => Style::new(),
    }
}

/// The text in that style, or as it is when colours are not wanted.
pub fn styled(text: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_there_with_and_without_its_colour() {
        assert_eq!(styled("online", status_style("online"), true), "\u{1b}[32monline\u{1b}[0m");
        assert_eq!(styled("online", status_style("online"), false), "online");
        assert_eq!(styled("new", status_style("new"), true), "new");
    }
}
