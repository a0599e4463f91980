//! `audit`: who did what, and whether that is still what was written.

use super::super::error::CliError;
use super::super::identity_args::{AuditArgs, AuditCommand};
use super::super::out;
use super::super::render::escape::harmless;
use super::super::render::units;
use super::super::session::Session;
use crate::wire::AuditRecord;

/// The most records that an answer has.
const PAGE: u32 = 1000;

/// Runs the command.
pub async fn run(args: AuditArgs) -> Result<(), CliError> {
    match args.command {
        Some(AuditCommand::Verify(args)) => verify(args.json).await,
        None => list(args).await,
    }
}

async fn list(args: AuditArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let usual = if args.since.is_some() { u32::MAX } else { 50 };
    let mut left = args.lines.unwrap_or(usual);
    let mut records: Vec<AuditRecord> = Vec::new();
    let mut before = None;
    while left > 0 {
        let limit = left.min(PAGE);
        let mut page = session.ask(async |c| c.audit(args.since.as_deref(), before, limit).await).await?;
        left = left.saturating_sub(page.items.len() as u32);
        before = page.next_before;
        page.items.append(&mut records);
        records = page.items;
        if before.is_none() {
            break;
        }
    }
    for record in &records {
        match args.json {
            true => match serde_json::to_string(record) {
                Ok(line) => out::line(&line),
                Err(e) => return Err(CliError::new(format!("cannot write the answer as JSON: {e}"))),
            },
            false => out::line(&harmless(&line(record))),
        }
    }
    if records.is_empty() {
        out::notice("no records");
    }
    Ok(())
}

fn line(record: &AuditRecord) -> String {
    let told = match record.status {
        200..=399 => String::new(),
        401 => ": failed".to_owned(),
        403 => ": refused, may not".to_owned(),
        499 => ": hung up before the answer".to_owned(),
        status => format!(": refused with {status}"),
    };
    let target = if record.target.is_empty() { String::new() } else { format!(" {}", record.target) };
    format!(
        "{}  {} ({}, from {})  {}{target}{told}",
        units::local_time(&record.ts),
        record.principal,
        record.via,
        record.source,
        record.action
    )
}

async fn verify(json: bool) -> Result<(), CliError> {
    let session = Session::open().await?;
    let verdict = session.ask(async |c| c.audit_verdict().await).await?;
    if json {
        out::json(&verdict);
    }
    match &verdict.broken {
        Some(broken) => Err(CliError::new(format!(
            "record {} of the audit is broken: {}; the {} before it are intact",
            broken.seq, broken.why, verdict.intact
        ))),
        None if json => Ok(()),
        None => {
            out::line(&format!(
                "{} records are intact, up to {} {}",
                verdict.intact, verdict.seq, verdict.hash
            ));
            Ok(())
        }
    }
}
