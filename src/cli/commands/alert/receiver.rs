//! A channel of what was typed. What is secret of it comes from files or standard input, and standard
//! input can be read for one of them only.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

use super::super::super::channel_args::AddChannelArgs;
use super::super::super::error::CliError;
use super::super::super::{password, values};
use crate::wire::{AlertNtfy, AlertWebhook, NewAlertChannel};

/// Standard input, as it is typed.
const STDIN: &str = "-";

/// More than the longest file of headers.
const LIMIT: u64 = 65_536;

/// The channel.
///
/// # Errors
/// When not exactly one receiver was given, or a secret cannot be read.
pub fn channel(args: AddChannelArgs) -> Result<NewAlertChannel, CliError> {
    let receiver = &args.receiver;
    let urls = [&receiver.webhook, &receiver.slack, &receiver.discord, &receiver.ntfy];
    let said = urls.iter().filter(|url| url.is_some()).count() + usize::from(receiver.command);
    if said != 1 {
        let found = if said == 0 { "none was given" } else { "more than one was given" };
        return Err(CliError::Usage(format!(
            "a channel has one receiver, and {found}: give --webhook, --slack, --discord or --ntfy with a URL, or \
             --command -- PROGRAM"
        )));
    }
    if receiver.command && args.program.is_empty() {
        return Err(CliError::Usage(
            "--command needs a program behind --: --command -- /usr/local/bin/tell".to_owned(),
        ));
    }
    let files = [&args.secret_file, &args.header_file, &args.token_file];
    let typed = urls.iter().filter(|url| url.as_deref() == Some(STDIN)).count()
        + files.iter().filter(|file| file.as_deref().is_some_and(is_stdin)).count();
    if typed > 1 {
        return Err(CliError::Usage(
            "standard input can be read for one thing only: use - once, and files for the rest".to_owned(),
        ));
    }
    let mut new = NewAlertChannel { name: args.name, ..NewAlertChannel::default() };
    if let Some(url) = &receiver.webhook {
        let mut headers: BTreeMap<String, String> = args.header.into_iter().collect();
        if let Some(file) = &args.header_file {
            headers.extend(lines(file)?);
        }
        new.webhook = Some(AlertWebhook {
            url: url_of(url)?,
            secret: args
                .secret_file
                .as_deref()
                .map(|file| secret("Key of the signature", file))
                .transpose()?,
            headers,
            format: args.format,
        });
    }
    new.slack = receiver.slack.as_deref().map(url_of).transpose()?;
    new.discord = receiver.discord.as_deref().map(url_of).transpose()?;
    if let Some(url) = &receiver.ntfy {
        let token = args.token_file.as_deref().map(|file| secret("Access token", file)).transpose()?;
        new.ntfy = Some(AlertNtfy { url: url_of(url)?, token });
    }
    new.command = receiver.command.then_some(args.program);
    Ok(new)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new(STDIN)
}

/// A URL, or the one that is typed.
fn url_of(said: &str) -> Result<String, CliError> {
    if said == STDIN { asked("URL") } else { Ok(said.to_owned()) }
}

/// What the file says, without the newline at its end; or what is typed.
fn secret(what: &str, file: &Path) -> Result<String, CliError> {
    if is_stdin(file) {
        return asked(what);
    }
    let text = read(file)?;
    let secret = text.trim_end_matches(['\n', '\r']);
    match secret.is_empty() {
        true => Err(CliError::new(format!("there is nothing in {}", file.display()))),
        false => Ok(secret.to_owned()),
    }
}

fn asked(what: &str) -> Result<String, CliError> {
    let is_asked = std::io::stdin().is_terminal();
    Ok(password::present(&format!("{what}: "), !is_asked)?.trim().to_owned())
}

/// `NAME=VALUE` a line.
fn lines(file: &Path) -> Result<Vec<(String, String)>, CliError> {
    let text = if is_stdin(file) { password::all_of_stdin(LIMIT)? } else { read(file)? };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    // Its value is a secret: the line is not repeated.
    let wrong = |number: usize| {
        CliError::new(format!(
            "line {} of the headers in {} is none: write NAME=VALUE, like Authorization=Bearer …",
            number + 1,
            file.display()
        ))
    };
    lines.map(|(number, line)| values::variable(line).map_err(|_| wrong(number))).collect()
}

fn read(file: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(file).map_err(|e| CliError::new(format!("cannot read {}: {e}", file.display())))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::super::super::channel_args::ReceiverArgs;
    use super::*;

    fn args(receiver: ReceiverArgs) -> AddChannelArgs {
        AddChannelArgs {
            name: "ops".into(),
            receiver,
            secret_file: None,
            header: Vec::new(),
            header_file: None,
            format: None,
            token_file: None,
            json: false,
            program: Vec::new(),
        }
    }

    fn webhook() -> ReceiverArgs {
        ReceiverArgs { webhook: Some("https://a.example/".into()), ..ReceiverArgs::default() }
    }

    #[test]
    fn a_channel_has_one_receiver_and_reads_standard_input_once() {
        let refused = |args| channel(args).err().unwrap().to_string();
        assert!(refused(args(ReceiverArgs::default())).contains("none was given"));
        let two = ReceiverArgs { command: true, ..webhook() };
        assert!(refused(args(two)).contains("more than one was given"));
        let bare = ReceiverArgs { command: true, ..ReceiverArgs::default() };
        assert!(refused(args(bare)).contains("behind --"));
        let stdin = Some(PathBuf::from("-"));
        let twice = AddChannelArgs { secret_file: stdin.clone(), header_file: stdin, ..args(webhook()) };
        assert!(refused(twice).contains("one thing only"));
    }

    #[test]
    fn secrets_come_from_files_and_are_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let secret_file = file("secret", " with a blank\n");
        let header_file = file("headers", "Authorization=Bearer s=1\n\nX-Key=k\n");
        let made = channel(AddChannelArgs { secret_file, header_file, ..args(webhook()) })
            .ok()
            .unwrap()
            .webhook
            .unwrap();
        assert_eq!(made.secret.as_deref(), Some(" with a blank"));
        assert_eq!(made.headers["Authorization"], "Bearer s=1");
        assert_eq!(made.headers["X-Key"], "k");
        let header_file = file("broken", "A=1\ncanary-value\n");
        let told = channel(AddChannelArgs { header_file, ..args(webhook()) }).err().unwrap().to_string();
        assert!(told.starts_with("line 2 ") && !told.contains("canary"), "{told}");
        let secret_file = file("empty", "\n");
        let told = channel(AddChannelArgs { secret_file, ..args(webhook()) }).err().unwrap().to_string();
        assert!(told.contains("there is nothing in"), "{told}");
    }
}
