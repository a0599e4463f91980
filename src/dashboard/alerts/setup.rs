//! Rules and channels, and the forms that make them.

use super::super::event::moment;
use super::super::text;
use super::channel_form::ChannelForm;
use super::field::Typed;
use super::rule_form::RuleForm;
use crate::wire::{AlertChannel, AlertRule};

/// What an admin sees besides what fires.
pub struct AlertSetup<'a> {
    /// By name.
    pub rules: &'a [AlertRule],
    /// By name.
    pub channels: &'a [AlertChannel],
    /// The form of a rule.
    pub rule: Typed<'a>,
    /// The form of a channel.
    pub channel: Typed<'a>,
}

/// The same in words.
pub(super) struct SetupView<'a> {
    pub rules: Vec<RuleView<'a>>,
    pub channels: Vec<ChannelView<'a>>,
    pub rule: RuleForm<'a>,
    pub channel: ChannelForm<'a>,
}

impl<'a> SetupView<'a> {
    pub fn new(setup: &AlertSetup<'a>) -> SetupView<'a> {
        SetupView {
            rules: setup.rules.iter().map(RuleView::new).collect(),
            channels: setup.channels.iter().map(ChannelView::new).collect(),
            rule: RuleForm::new(setup.rule, setup.channels),
            channel: ChannelForm::new(setup.channel),
        }
    }
}

/// A rule in words.
pub(super) struct RuleView<'a> {
    pub one: &'a AlertRule,
    /// Of whom, to whom, how often.
    pub about: String,
    /// `paused`, `2 firing`
    pub state: String,
}

impl<'a> RuleView<'a> {
    fn new(one: &'a AlertRule) -> RuleView<'a> {
        let named = |names: &[String], none: &str| match names {
            [] => none.to_owned(),
            some => some.join(", "),
        };
        let again = match one.cool_down_ms {
            0 => "again at once".to_owned(),
            ms => format!("again after {}", text::span(ms)),
        };
        let mut about =
            vec![named(&one.apps, "all apps"), format!("told to {}", named(&one.channels, "nobody"))];
        about.push(again);
        about.extend(one.repeat_ms.map(|ms| format!("repeated each {}", text::span(ms))));
        let state = match (one.paused, one.firing) {
            (true, _) => "paused".to_owned(),
            (false, ..=0) => "calm".to_owned(),
            (false, firing) => format!("{firing} firing"),
        };
        RuleView { one, about: about.join("; "), state }
    }
}

/// A channel in words.
pub(super) struct ChannelView<'a> {
    pub one: &'a AlertChannel,
    /// What it has done.
    pub about: String,
    pub failing: Option<&'a str>,
    pub lost: Option<String>,
}

impl<'a> ChannelView<'a> {
    fn new(one: &'a AlertChannel) -> ChannelView<'a> {
        let mut about = vec![format!("{} sent", one.sent)];
        about.extend((one.waiting > 0).then(|| format!("{} waiting", one.waiting)));
        about.extend(one.last_sent_at.as_deref().map(|at| format!("last {} UTC", moment(at))));
        about.extend(one.signed.then(|| "signed".to_owned()));
        about.extend(one.format.as_deref().filter(|format| *format != "pmdaemon").map(str::to_owned));
        let lost = (one.lost > 0).then(|| {
            let number = text::count(one.lost, "notification", "notifications");
            format!("{number} could not be sent, and will not be any more")
        });
        ChannelView { one, about: about.join(", "), failing: one.error.as_deref(), lost }
    }
}
