//! `attach`: what a process prints, and lines for its standard input.

use std::io::BufRead;

use tokio::sync::mpsc;

use super::super::error::CliError;
use super::super::give_args::AttachArgs;
use super::super::out;
use super::super::session::Session;
use super::{act, logs};

/// Runs the command, until Ctrl+C or the end of our own input.
pub async fn run(args: AttachArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let meant = act::meant(&session, &args.reference).await?;
    let [process] = meant.as_slice() else {
        let names: Vec<&str> = meant.iter().map(|process| process.name.as_str()).collect();
        return Err(CliError::new(format!("attach to one process at a time: {}", names.join(" or "))));
    };
    let app = session.ask(async |c| c.app(&args.reference).await).await?;
    if !app.stdin {
        return Err(CliError::new(format!(
            "{} has no standard input to write to: define it with stdin (start --stdin); pmdaemon logs {} --follow \
             shows what it prints",
            process.name, process.id
        )));
    }
    out::notice(&format!("Attached to {}; Ctrl+C detaches.", process.name));
    let whose = format!("id:{}", process.id);
    let mut lines = typed();
    let typing = async {
        while let Some(line) = lines.recv().await {
            if let Err(error) = session.ask_once(async |c| c.send_line(&whose, &line).await).await
                && let Some(sentence) = error.sentence()
            {
                out::error(&sentence);
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = typing => ended,
        ended = logs::follow_all(vec![process.id]) => ended,
    }
}

/// Lines of our own standard input. A thread waits for them, which ends with this process.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let line = match line {
                Ok(line) => line,
                Err(error) => return out::error(&format!("what is typed cannot be read: {error}")),
            };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
