//! The form of a channel. What is secret goes in and never comes out: it is not shown again, not even
//! with what is wrong.

use std::collections::BTreeMap;

use super::field::{Choice, Field, Kind, Shown, ShownChoice, Typed, pointer};
use crate::wire::{AlertNtfy, AlertWebhook, FieldError, NewAlertChannel};

/// The receivers, each with its fields.
static RECEIVERS: [Choice; 5] = [
    Choice {
        value: "webhook",
        label: "an HTTP receiver (webhook)",
        fields: &[
            Field {
                member: "webhook.url",
                kind: Kind::Text,
                label: "URL",
                placeholder: "https://hooks.example/pmdaemon",
                hint: "",
            },
            Field {
                member: "webhook.secret",
                kind: Kind::Secret,
                label: "Key of the signature",
                placeholder: "",
                hint: "16 characters or more; empty: what is sent is not signed",
            },
            Field {
                member: "webhook.format",
                kind: Kind::Choice(&[("pmdaemon", "pmdaemon"), ("alertmanager", "Alertmanager")]),
                label: "Format",
                placeholder: "",
                hint: "",
            },
            Field {
                member: "webhook.headers",
                kind: Kind::SecretLines,
                label: "Headers",
                placeholder: "Authorization=Bearer …",
                hint: "NAME=VALUE, one a line",
            },
        ],
    },
    Choice {
        value: "slack",
        label: "Slack, Mattermost or Rocket.Chat",
        fields: &[Field {
            member: "slack",
            kind: Kind::Secret,
            label: "URL of the incoming webhook",
            placeholder: "https://hooks.slack.com/services/…",
            hint: "it is a secret: whoever has it can write there",
        }],
    },
    Choice {
        value: "discord",
        label: "Discord",
        fields: &[Field {
            member: "discord",
            kind: Kind::Secret,
            label: "URL of the webhook",
            placeholder: "https://discord.com/api/webhooks/…",
            hint: "it is a secret: whoever has it can write there",
        }],
    },
    Choice {
        value: "ntfy",
        label: "ntfy",
        fields: &[
            Field {
                member: "ntfy.url",
                kind: Kind::Text,
                label: "URL of the topic",
                placeholder: "https://ntfy.sh/my-topic",
                hint: "",
            },
            Field {
                member: "ntfy.token",
                kind: Kind::Secret,
                label: "Access token",
                placeholder: "",
                hint: "where the topic needs one",
            },
        ],
    },
    Choice {
        value: "command",
        label: "a command on this machine",
        fields: &[Field {
            member: "command",
            kind: Kind::Lines,
            label: "Program and arguments",
            placeholder: "/usr/local/bin/tell\n--loudly",
            hint: "one a line, the program by its whole path; it gets the alert as JSON on its input",
        }],
    },
];

static NAME: Field = Field { member: "name", kind: Kind::Text, label: "Name", placeholder: "ops", hint: "" };

/// The form, as it is shown.
pub(super) struct ChannelForm<'a> {
    pub name: Shown<'a>,
    pub receivers: Vec<ShownChoice<'a>>,
    /// What is wrong and has no field.
    pub wrong: Vec<&'a str>,
    /// Something was typed.
    pub is_open: bool,
}

impl<'a> ChannelForm<'a> {
    pub fn new(typed: Typed<'a>) -> ChannelForm<'a> {
        let fields = RECEIVERS.iter().flat_map(|receiver| receiver.fields).chain([&NAME]);
        let members: Vec<&str> = fields.map(|field| field.member).collect();
        ChannelForm {
            name: Shown::new("channel", &NAME, typed),
            receivers: RECEIVERS
                .iter()
                .map(|receiver| ShownChoice::new("channel", receiver, chosen(typed), typed))
                .collect(),
            wrong: typed.without_field(&members),
            is_open: !typed.values.is_empty(),
        }
    }
}

/// Which receiver is chosen.
fn chosen(typed: Typed<'_>) -> &'static str {
    let said = typed.get("kind");
    RECEIVERS.iter().find(|receiver| receiver.value == said).map_or("webhook", |receiver| receiver.value)
}

/// The channel that was typed, and what of it is none. Only fields of the chosen receiver count.
pub fn channel(values: &[(String, String)]) -> (NewAlertChannel, Vec<FieldError>) {
    let typed = Typed { values, errors: &[] };
    let mut errors = Vec::new();
    let text = |name: &str| typed.get(name).to_owned();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let mut channel = NewAlertChannel { name: text("name"), ..NewAlertChannel::default() };
    match chosen(typed) {
        "slack" => channel.slack = Some(text("slack")),
        "discord" => channel.discord = Some(text("discord")),
        "ntfy" => channel.ntfy = Some(AlertNtfy { url: text("ntfy.url"), token: some("ntfy.token") }),
        "command" => {
            channel.command = Some(typed.get("command").lines().map(|line| line.trim().to_owned()).collect());
        }
        _ => {
            channel.webhook = Some(AlertWebhook {
                url: text("webhook.url"),
                secret: some("webhook.secret"),
                headers: headers(typed.get("webhook.headers"), &mut errors),
                format: some("webhook.format"),
            });
        }
    }
    (channel, errors)
}

fn headers(text: &str, errors: &mut Vec<FieldError>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                headers.insert(name.trim().to_owned(), value.trim().to_owned());
            }
            // It may be a secret: the line is not repeated.
            Some(_) | None => errors.push(FieldError::new(
                pointer("webhook.headers"),
                format!("line {} is no header: write NAME=VALUE", number + 1),
            )),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_chosen_receiver_and_its_fields_make_the_channel() {
        let (made, errors) = channel(&typed(&[
            ("name", "ops"),
            ("kind", "webhook"),
            ("webhook.url", " https://a.example/ "),
            ("webhook.secret", "0123456789abcdef"),
            ("webhook.headers", "Authorization=Bearer a=b\n\n X-Key = k \n"),
            ("webhook.format", "alertmanager"),
            ("slack", "https://of.another/"),
        ]));
        assert!(errors.is_empty(), "{errors:?}");
        let webhook = made.webhook.unwrap();
        assert_eq!(webhook.url, "https://a.example/");
        assert_eq!(webhook.headers["Authorization"], "Bearer a=b");
        assert_eq!(webhook.headers["X-Key"], "k");
        assert!(made.slack.is_none());
        let (made, _) = channel(&typed(&[("kind", "command"), ("command", "/bin/tell\n--to\na b\n")]));
        assert_eq!(made.command.unwrap(), ["/bin/tell", "--to", "a b"]);
    }

    #[test]
    fn each_receiver_of_the_select_is_the_one_that_is_made() {
        for receiver in &RECEIVERS {
            let (made, _) = channel(&typed(&[("kind", receiver.value)]));
            let members = serde_json::to_value(&made).unwrap();
            let members: Vec<&String> =
                members.as_object().unwrap().keys().filter(|key| *key != "name").collect();
            assert_eq!(members, [receiver.value]);
        }
    }

    #[test]
    fn a_line_that_is_no_header_is_told_without_it() {
        let (_, errors) = channel(&typed(&[("webhook.headers", "A=1\ncanary\n=2")]));
        let told: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        assert_eq!(told, ["line 2 is no header: write NAME=VALUE", "line 3 is no header: write NAME=VALUE"]);
    }
}
