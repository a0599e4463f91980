//! The form of a rule: a condition with its fields, of whom, to whom.

use std::time::Duration;

use super::field::{Choice, Field, Kind, Shown, ShownChoice, Typed, pointer};
use crate::wire::{
    AlertAbove, AlertCertificate, AlertChannel, AlertDisk, AlertErrored, AlertLogMatch, AlertOperationFailed,
    AlertRestartLoop, AlertUnhealthy, AlertWhen, FieldError, NewAlertRule, Stream, span,
};

const fn number(
    member: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
) -> Field {
    Field { member, kind: Kind::Number, label, placeholder, hint }
}

const fn text(
    member: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
) -> Field {
    Field { member, kind: Kind::Text, label, placeholder, hint }
}

const AT_ONCE: &str = "5m, 90s; empty: told at once";

/// The conditions, each with its fields.
static CONDITIONS: [Choice; 9] = [
    Choice { value: "errored", label: "a process was given up", fields: &[] },
    Choice {
        value: "restart_loop",
        label: "a process is restarted again and again",
        fields: &[
            number("when.restart_loop.restarts", "Restarts", "5", "so many that nobody asked for"),
            text("when.restart_loop.within_ms", "Within", "10m", "10m, 1h"),
        ],
    },
    Choice {
        value: "unhealthy",
        label: "a process fails its health check",
        fields: &[text("when.unhealthy.for_ms", "Unhealthy for", "1m", AT_ONCE)],
    },
    Choice {
        value: "memory",
        label: "a process uses much memory",
        fields: &[
            number(
                "when.memory.above_percent",
                "Memory above, %",
                "90",
                "of its limit; of the machine's memory where it has none",
            ),
            text("when.memory.for_ms", "Memory for", "5m", AT_ONCE),
        ],
    },
    Choice {
        value: "cpu",
        label: "a process uses much CPU",
        fields: &[
            number("when.cpu.above_percent", "CPU above, %", "150", "100 is one core"),
            text("when.cpu.for_ms", "CPU for", "5m", AT_ONCE),
        ],
    },
    Choice {
        value: "log_match",
        label: "a line of a log matches",
        fields: &[
            text("when.log_match.pattern", "Pattern", "(?i)out of memory", "a regular expression"),
            Field {
                member: "when.log_match.stream",
                kind: Kind::Choice(&[("", "both"), ("out", "output"), ("err", "errors")]),
                label: "Of which log",
                placeholder: "",
                hint: "",
            },
        ],
    },
    Choice {
        value: "operation_failed",
        label: "a reload, a deployment or another operation fails",
        fields: &[],
    },
    Choice {
        value: "certificate",
        label: "a certificate expires soon",
        fields: &[number(
            "when.certificate.within_days",
            "Days before",
            "14",
            "one that pmdaemon serves with",
        )],
    },
    Choice {
        value: "disk",
        label: "the disk is nearly full",
        fields: &[number(
            "when.disk.below_percent",
            "Free below, %",
            "10",
            "on the disk of the home, or of a log",
        )],
    },
];

static NAME: Field = text("name", "Name", "crashes", "");

/// What each rule has besides its condition.
static REST: [Field; 4] = [
    text("apps", "Apps", "all", "names, with commas between them; empty: all"),
    Field {
        member: "severity",
        kind: Kind::Choice(&[("warning", "warning"), ("critical", "critical"), ("info", "info")]),
        label: "Severity",
        placeholder: "",
        hint: "",
    },
    text("cool_down_ms", "Told again after", "5m", "what is over and comes again, at most so often"),
    text("repeat_ms", "Repeated each", "never", "4h: what goes on is told again"),
];

/// The form, as it is shown.
pub(super) struct RuleForm<'a> {
    pub name: Shown<'a>,
    pub conditions: Vec<ShownChoice<'a>>,
    pub rest: Vec<Shown<'a>>,
    /// The channels that there are, and whether each is told.
    pub channels: Vec<(&'a str, bool)>,
    pub channels_error: &'a str,
    /// What is wrong and has no field.
    pub wrong: Vec<&'a str>,
    /// Something was typed.
    pub is_open: bool,
}

impl<'a> RuleForm<'a> {
    pub fn new(typed: Typed<'a>, channels: &'a [AlertChannel]) -> RuleForm<'a> {
        let shown = |field| Shown::new("rule", field, typed);
        let fields = CONDITIONS.iter().flat_map(|condition| condition.fields).chain(&REST).chain([&NAME]);
        let members: Vec<&str> = fields.map(|field| field.member).chain(["channels"]).collect();
        RuleForm {
            name: shown(&NAME),
            conditions: CONDITIONS
                .iter()
                .map(|condition| ShownChoice::new("rule", condition, chosen(typed), typed))
                .collect(),
            rest: REST.iter().map(shown).collect(),
            channels: channels
                .iter()
                .map(|channel| (channel.name.as_str(), typed.has("channels", &channel.name)))
                .collect(),
            channels_error: typed.error("channels"),
            wrong: typed.without_field(&members),
            is_open: !typed.values.is_empty(),
        }
    }
}

/// Which condition is chosen.
fn chosen(typed: Typed<'_>) -> &'static str {
    let said = typed.get("when");
    CONDITIONS.iter().find(|condition| condition.value == said).map_or("errored", |condition| condition.value)
}

/// The rule that was typed, and what of it is none. Only fields of the chosen condition count.
pub fn rule(values: &[(String, String)]) -> (NewAlertRule, Vec<FieldError>) {
    let mut read = Read { typed: Typed { values, errors: &[] }, errors: Vec::new() };
    let typed = read.typed;
    let when = condition(&mut read);
    let text = |name: &str| Some(typed.get(name).to_owned()).filter(|text| !text.is_empty());
    let rule = NewAlertRule {
        name: typed.get("name").to_owned(),
        when,
        apps: words(typed.get("apps")),
        channels: values
            .iter()
            .filter(|(name, _)| name == "channels")
            .map(|(_, value)| value.clone())
            .collect(),
        severity: text("severity"),
        cool_down_ms: read.time("cool_down_ms"),
        repeat_ms: read.time("repeat_ms"),
        paused: false,
    };
    (rule, read.errors)
}

fn condition(read: &mut Read<'_>) -> AlertWhen {
    let mut when = AlertWhen::default();
    let above = |read: &mut Read<'_>, of: &str| AlertAbove {
        above_percent: read.number(&format!("when.{of}.above_percent"), 90),
        for_ms: read.time(&format!("when.{of}.for_ms")),
    };
    match chosen(read.typed) {
        "restart_loop" => {
            when.restart_loop = Some(AlertRestartLoop {
                restarts: read.number("when.restart_loop.restarts", 5),
                within_ms: read.time("when.restart_loop.within_ms").unwrap_or(600_000),
            });
        }
        "unhealthy" => when.unhealthy = Some(AlertUnhealthy { for_ms: read.time("when.unhealthy.for_ms") }),
        "memory" => when.memory = Some(above(read, "memory")),
        "cpu" => when.cpu = Some(above(read, "cpu")),
        "log_match" => {
            when.log_match = Some(AlertLogMatch {
                pattern: read.typed.get("when.log_match.pattern").to_owned(),
                stream: match read.typed.get("when.log_match.stream") {
                    "out" => Some(Stream::Out),
                    "err" => Some(Stream::Err),
                    _ => None,
                },
            });
        }
        "operation_failed" => when.operation_failed = Some(AlertOperationFailed {}),
        "certificate" => {
            let within_days = read.number("when.certificate.within_days", 14);
            when.certificate = Some(AlertCertificate { within_days });
        }
        "disk" => {
            when.disk = Some(AlertDisk { below_percent: read.number("when.disk.below_percent", 10) });
        }
        _ => when.errored = Some(AlertErrored {}),
    }
    when
}

/// Reads fields, and notes what is wrong with them.
struct Read<'a> {
    typed: Typed<'a>,
    errors: Vec<FieldError>,
}

impl Read<'_> {
    /// A number; `usual` where nothing is typed, as the field shows it.
    fn number(&mut self, member: &str, usual: i64) -> i64 {
        match self.typed.get(member) {
            "" => usual,
            said => said.parse().unwrap_or_else(|_| {
                self.wrong(member, format!("{said:?} is not a whole number: write one like {usual}"));
                usual
            }),
        }
    }

    /// A time in milliseconds, if one is typed.
    fn time(&mut self, member: &str) -> Option<i64> {
        let said = self.typed.get(member);
        if said.is_empty() {
            return None;
        }
        match span::parse(said, None) {
            Ok(time) => i64::try_from(Duration::as_millis(&time)).ok(),
            Err(detail) => {
                self.wrong(member, detail);
                None
            }
        }
    }

    fn wrong(&mut self, member: &str, detail: String) {
        self.errors.push(FieldError::new(pointer(member), detail));
    }
}

/// Between commas or blanks.
fn words(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_chosen_condition_and_its_fields_make_the_rule() {
        let (made, errors) = rule(&typed(&[
            ("name", " memory "),
            ("when", "memory"),
            ("when.memory.above_percent", "80"),
            ("when.memory.for_ms", "5m"),
            ("when.cpu.above_percent", "nonsense of another condition"),
            ("apps", "web, api"),
            ("channels", "ops"),
            ("channels", "phone"),
            ("severity", "critical"),
            ("repeat_ms", "4h"),
        ]));
        assert!(errors.is_empty(), "{errors:?}");
        let memory = AlertAbove { above_percent: 80, for_ms: Some(300_000) };
        let expected = NewAlertRule {
            name: "memory".into(),
            when: AlertWhen { memory: Some(memory), ..AlertWhen::default() },
            apps: vec!["web".into(), "api".into()],
            channels: vec!["ops".into(), "phone".into()],
            severity: Some("critical".into()),
            cool_down_ms: None,
            repeat_ms: Some(14_400_000),
            paused: false,
        };
        assert_eq!(made, expected);
    }

    #[test]
    fn each_condition_of_the_select_is_the_one_that_is_made() {
        for condition in &CONDITIONS {
            let (made, errors) = rule(&typed(&[("when", condition.value)]));
            assert!(errors.is_empty(), "{errors:?}");
            let members = serde_json::to_value(&made.when).unwrap();
            let members: Vec<&String> = members.as_object().unwrap().keys().collect();
            assert_eq!(members, [condition.value]);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_its_field() {
        let values = typed(&[
            ("when", "restart_loop"),
            ("when.restart_loop.restarts", "many"),
            ("when.restart_loop.within_ms", "10"),
            ("cool_down_ms", "soon"),
        ]);
        let (_, mut errors) = rule(&values);
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/when/restart_loop/restarts", "/when/restart_loop/within_ms", "/cool_down_ms"]
        );
        errors.push(FieldError::new("/channels/0", "no such channel"));
        errors.push(FieldError::new("/odd", "odd"));
        let form = RuleForm::new(Typed { values: &values, errors: &errors }, &[]);
        assert_eq!((form.channels_error, form.wrong.as_slice()), ("no such channel", &["odd"][..]));
    }
}
