//! A terminal that belongs to us for a while: another screen, no echo, no cursor, and all of it
//! given back however we end, by returning, by a panic or by a signal.

use std::io::{self, Write};

use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute};
use futures_util::StreamExt;

use super::error::CliError;
use super::stop::Stop;

/// The terminal, ours until this is dropped.
pub struct Live {
    keys: EventStream,
    stop: Stop,
}

/// What the person did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Did {
    /// Wants to leave: `q`, Ctrl+C, or a signal.
    Quit,
    /// Changed the size of the terminal.
    Resize,
}

impl Live {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be taken; it is as before then.
    pub fn enter() -> Result<Live, CliError> {
        let stop = Stop::new()?;
        let failed = |e: io::Error| CliError::new(format!("cannot use this terminal: {e}"));
        enable_raw_mode().map_err(failed)?;
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            told(panic);
        }));
        // From here on dropping it gives everything back.
        let live = Live { keys: EventStream::new(), stop };
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, DisableLineWrap).map_err(failed)?;
        Ok(live)
    }

    /// Draws these lines from the top, over what was there. Lines that do not fit are left out; the
    /// last one is `more` then.
    ///
    /// # Errors
    /// When nobody is there to see it.
    pub fn draw(&self, text: &str, height: usize, more: impl Fn(usize) -> String) -> io::Result<()> {
        let mut frame = "\x1b[H".to_owned();
        for (number, line) in fitting(text, height, more).iter().enumerate() {
            frame.push_str(if number == 0 { "" } else { "\r\n" });
            frame.push_str(line);
            frame.push_str("\x1b[K");
        }
        frame.push_str("\x1b[J");
        let mut stdout = io::stdout().lock();
        stdout.write_all(frame.as_bytes())?;
        stdout.flush()
    }

    /// Waits until the person does something that matters here.
    ///
    /// # Errors
    /// When the keyboard cannot be read any more.
    pub async fn did(&mut self) -> io::Result<Did> {
        loop {
            let event = tokio::select! {
                () = self.stop.asked() => return Ok(Did::Quit),
                event = self.keys.next() => event,
            };
            match event {
                None => return Ok(Did::Quit),
                Some(Err(e)) => return Err(e),
                Some(Ok(Event::Resize(_, _))) => return Ok(Did::Resize),
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    let control = key.modifiers.contains(KeyModifiers::CONTROL);
                    match key.code {
                        KeyCode::Char('q' | 'Q') if !control => return Ok(Did::Quit),
                        KeyCode::Char('c') if control => return Ok(Did::Quit),
                        _ => {}
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        restore();
        let _ = std::panic::take_hook();
    }
}

/// Gives the terminal back. Best effort: it may be gone.
fn restore() {
    let _ = execute!(io::stdout(), EnableLineWrap, cursor::Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}

fn fitting(text: &str, height: usize, more: impl Fn(usize) -> String) -> Vec<String> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.len() <= height || height == 0 {
        return lines;
    }
    let mut shown = lines[..height - 1].to_vec();
    shown.push(more(lines.len() - shown.len()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let more = |hidden: usize| format!("{hidden} more");
        assert_eq!(fitting("a\nb\nc\n", 3, more), ["a", "b", "c"]);
        assert_eq!(fitting("a\nb\nc\nd\n", 3, more), ["a", "b", "2 more"]);
        assert_eq!(fitting("a\nb\n", 1, more), ["2 more"]);
    }
}
