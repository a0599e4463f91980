//! Introduces alerts, rules and channels to the API's types.

use crate::api::{ApiError, convert};
use crate::daemon::alert::ChannelStatus;
use crate::daemon::alert::channel::{ChannelWish, Format, ReceiverWish};
use crate::daemon::alert::firing::Alert;
use crate::daemon::alert::rule::{Condition, Only, Rule, RuleWish};
use crate::wire;

fn one_of(members: &[(&str, bool)], pointer: &str) -> Result<(), ApiError> {
    match members.iter().filter(|(_, given)| *given).count() {
        1 => Ok(()),
        given => {
            let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
            let detail = format!("{given} of them were given, and it is to be one: {}", names.join(", "));
            Err(ApiError::member(pointer, detail))
        }
    }
}

/// A number that has to be one of those; what fits it not is out of bounds anyway.
fn number(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX * u32::from(number > 0))
}

fn span(pointer: &str, ms: Option<i64>) -> Result<u64, ApiError> {
    let ms = ms.unwrap_or(0);
    u64::try_from(ms).map_err(|_| ApiError::member(pointer, format!("{ms} is less than nothing")))
}

/// What a rule waits for.
fn condition(when: wire::AlertWhen) -> Result<Condition, ApiError> {
    let wire::AlertWhen {
        errored,
        restart_loop,
        unhealthy,
        memory,
        cpu,
        log_match,
        operation_failed,
        certificate,
        disk,
    } = when;
    let given = [
        ("errored", errored.is_some()),
        ("restart_loop", restart_loop.is_some()),
        ("unhealthy", unhealthy.is_some()),
        ("memory", memory.is_some()),
        ("cpu", cpu.is_some()),
        ("log_match", log_match.is_some()),
        ("operation_failed", operation_failed.is_some()),
        ("certificate", certificate.is_some()),
        ("disk", disk.is_some()),
    ];
    one_of(&given, "/when")?;
    let mut found = errored.map(|wire::AlertErrored {}| Condition::Errored);
    found = match restart_loop {
        Some(wire::AlertRestartLoop { restarts, within_ms }) => Some(Condition::RestartLoop {
            restarts: number(restarts),
            within_ms: span("/when/restart_loop/within_ms", Some(within_ms))?,
        }),
        None => found,
    };
    found = match unhealthy {
        Some(wire::AlertUnhealthy { for_ms }) => {
            Some(Condition::Unhealthy { for_ms: span("/when/unhealthy/for_ms", for_ms)? })
        }
        None => found,
    };
    found = match memory {
        Some(wire::AlertAbove { above_percent, for_ms }) => Some(Condition::Memory {
            above_percent: number(above_percent),
            for_ms: span("/when/memory/for_ms", for_ms)?,
        }),
        None => found,
    };
    found = match cpu {
        Some(wire::AlertAbove { above_percent, for_ms }) => Some(Condition::Cpu {
            above_percent: number(above_percent),
            for_ms: span("/when/cpu/for_ms", for_ms)?,
        }),
        None => found,
    };
    found = match log_match {
        Some(wire::AlertLogMatch { pattern, stream }) => {
            let stream = match stream {
                None => None,
                Some(wire::Stream::Out) => Some(Only::Out),
                Some(wire::Stream::Err) => Some(Only::Err),
                Some(wire::Stream::Sys) => {
                    let detail = "only what apps write is looked at: write out or err";
                    return Err(ApiError::member("/when/log_match/stream", detail));
                }
            };
            Some(Condition::LogMatch { pattern, stream })
        }
        None => found,
    };
    found = operation_failed.map(|wire::AlertOperationFailed {}| Condition::OperationFailed).or(found);
    found = match certificate {
        Some(wire::AlertCertificate { within_days }) => {
            Some(Condition::Certificate { within_days: number(within_days) })
        }
        None => found,
    };
    found = match disk {
        Some(wire::AlertDisk { below_percent }) => {
            Some(Condition::Disk { below_percent: number(below_percent) })
        }
        None => found,
    };
    found.ok_or_else(|| ApiError::member("/when", "it has no condition"))
}

/// A rule that somebody asks for.
pub fn rule_wish(new: wire::NewAlertRule) -> Result<RuleWish, ApiError> {
    Ok(RuleWish {
        name: new.name,
        when: condition(new.when)?,
        apps: new.apps,
        channels: new.channels,
        severity: new.severity,
        cool_down_ms: new.cool_down_ms,
        repeat_ms: new.repeat_ms,
        paused: new.paused,
    })
}

/// A condition, as it was asked for.
fn when(condition: &Condition) -> wire::AlertWhen {
    let span = |ms: u64| (ms > 0).then_some(ms as i64);
    let mut when = wire::AlertWhen::default();
    match condition {
        Condition::Errored => when.errored = Some(wire::AlertErrored {}),
        Condition::RestartLoop { restarts, within_ms } => {
            let within_ms = *within_ms as i64;
            when.restart_loop = Some(wire::AlertRestartLoop { restarts: i64::from(*restarts), within_ms });
        }
        Condition::Unhealthy { for_ms } => {
            when.unhealthy = Some(wire::AlertUnhealthy { for_ms: span(*for_ms) });
        }
        Condition::Memory { above_percent, for_ms } => {
            let above_percent = i64::from(*above_percent);
            when.memory = Some(wire::AlertAbove { above_percent, for_ms: span(*for_ms) });
        }
        Condition::Cpu { above_percent, for_ms } => {
            let above_percent = i64::from(*above_percent);
            when.cpu = Some(wire::AlertAbove { above_percent, for_ms: span(*for_ms) });
        }
        Condition::LogMatch { pattern, stream } => {
            let stream = stream.map(|only| match only {
                Only::Out => wire::Stream::Out,
                Only::Err => wire::Stream::Err,
            });
            when.log_match = Some(wire::AlertLogMatch { pattern: pattern.clone(), stream });
        }
        Condition::OperationFailed => when.operation_failed = Some(wire::AlertOperationFailed {}),
        Condition::Certificate { within_days } => {
            when.certificate = Some(wire::AlertCertificate { within_days: i64::from(*within_days) });
        }
        Condition::Disk { below_percent } => {
            when.disk = Some(wire::AlertDisk { below_percent: i64::from(*below_percent) });
        }
    }
    when
}

/// A rule, as it is shown.
pub fn rule(rule: &Rule, firing: usize) -> wire::AlertRule {
    wire::AlertRule {
        name: rule.name.clone(),
        when: when(&rule.when),
        condition: rule.when.sentence(),
        apps: rule.apps.clone(),
        channels: rule.channels.clone(),
        severity: rule.severity.as_str().to_owned(),
        cool_down_ms: rule.cool_down_ms as i64,
        repeat_ms: rule.repeat_ms.map(|ms| ms as i64),
        paused: rule.paused,
        created_at: convert::time(rule.created_at_ms),
        firing: firing as i64,
    }
}

/// A channel that somebody asks for.
pub fn channel_wish(new: wire::NewAlertChannel) -> Result<ChannelWish, ApiError> {
    let wire::NewAlertChannel { name, webhook, slack, discord, ntfy, command } = new;
    let given = [
        ("webhook", webhook.is_some()),
        ("slack", slack.is_some()),
        ("discord", discord.is_some()),
        ("ntfy", ntfy.is_some()),
        ("command", command.is_some()),
    ];
    one_of(&given, "")?;
    let webhook = webhook.map(|wire::AlertWebhook { url, secret, headers, format }| ReceiverWish::Webhook {
        url,
        secret,
        headers,
        format,
    });
    let ntfy = ntfy.map(|wire::AlertNtfy { url, token }| ReceiverWish::Ntfy { url, token });
    let to = webhook
        .or(slack.map(ReceiverWish::Slack))
        .or(discord.map(ReceiverWish::Discord))
        .or(ntfy)
        .or(command.map(ReceiverWish::Command));
    let to = to.ok_or_else(|| ApiError::member("", "it has no receiver"))?;
    Ok(ChannelWish { name, to })
}

/// A channel, as it is shown.
pub fn channel(status: ChannelStatus) -> wire::AlertChannel {
    let ChannelStatus { channel, error, last_sent_ms, sent, waiting, lost } = status;
    wire::AlertChannel {
        name: channel.name.clone(),
        kind: channel.to.kind().to_owned(),
        to: channel.to.target(),
        format: channel.to.format().map(Format::as_str).map(str::to_owned),
        signed: channel.to.is_signed(),
        created_at: convert::time(channel.created_at_ms),
        status: if error.is_some() { "failing" } else { "ok" }.to_owned(),
        error,
        last_sent_at: last_sent_ms.map(convert::time),
        sent: sent as i64,
        waiting: waiting as i64,
        lost: lost as i64,
    }
}

/// An alert, as it is shown.
pub fn alert(alert: Alert) -> wire::Alert {
    let state = if alert.is_firing() { "firing" } else { "resolved" }.to_owned();
    let whose = alert.subject.process;
    wire::Alert {
        id: alert.id as i64,
        rule: alert.rule,
        severity: alert.severity.as_str().to_owned(),
        state,
        process_id: whose.as_ref().map(|whose| i64::from(whose.id)),
        app: whose.as_ref().map(|whose| whose.app.clone()),
        namespace: whose.map(|whose| whose.namespace),
        summary: alert.summary,
        lines: alert.lines,
        since: convert::time(alert.since_ms),
        resolved_at: alert.over_ms.map(convert::time),
        again: alert.again as i64,
    }
}
