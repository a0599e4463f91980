//! Where lines go: as the apps wrote them, each to its own stream, or all in one form to stdout.

use std::io::Write;

use super::super::super::error::CliError;
use super::super::super::out::Screen;
use super::super::super::runtime_args::RuntimeArgs;
use super::super::log_printer::{Form, Printer};
use crate::wire::{LogRecord, Stream};

/// Writes lines.
pub struct Output {
    out: Printer,
    /// Lines of standard error, where they are kept apart.
    err: Option<Printer>,
}

impl Output {
    /// What these arguments ask for.
    pub fn of(args: &RuntimeArgs, screen: Screen) -> Output {
        let form = match (args.start.json, args.format, args.formatted) {
            (true, ..) => Form::Pm2Json,
            (_, true, _) => Form::Pm2Pairs,
            (_, _, true) => Form::Pm2Named,
            (false, false, false) => {
                return Output {
                    out: Printer::new(Form::Raw, screen),
                    err: Some(Printer::new(Form::Raw, screen)),
                };
            }
        };
        Output { out: Printer::new(form, screen), err: None }
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When nobody reads them any more.
    pub fn write(&mut self, record: &LogRecord) -> Result<(), CliError> {
        let mut text = Vec::new();
        let written = match (&mut self.err, record.stream) {
            (Some(err), Stream::Err) => {
                err.add(record, &mut text);
                std::io::stderr().lock().write_all(&text)
            }
            (_, Stream::Out | Stream::Err | Stream::Sys) => {
                self.out.add(record, &mut text);
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(&text).and_then(|()| stdout.flush())
            }
        };
        written
            .map_err(|e| CliError::new(format!("cannot write what the apps say, so they are stopped: {e}")))
    }
}
