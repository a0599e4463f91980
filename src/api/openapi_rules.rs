//! What a value has to be like, where its type does not say so: patterns, bounds, and members of
//! which there is to be exactly one. For the description only; what is refused is decided where it
//! is parsed. A program that keeps to it is refused only for what this host or these apps are like
//! (`tests/outside` sends what fits and what does not).

use serde_json::{Value, json};

const NAME: &str = "^(?!all$)[A-Za-z_][A-Za-z0-9._-]{0,63}$";
const NAME_IN_LIST: &str = "(?!all(,|$))[A-Za-z_][A-Za-z0-9._-]{0,63}";
const REFERENCE_TO_APP: &str =
    "^((?!all:)[A-Za-z_][A-Za-z0-9._-]{0,63}:)?(?!all$)[A-Za-z_][A-Za-z0-9._-]{0,63}$";
const NAMESPACE: &str = r"^((?!all$)[A-Za-z_][A-Za-z0-9._-]{0,63}|\*)$";
const TEXT: &str = r"^[^\u0000]*$";
const FULL_TEXT: &str = r"^[^\u0000]+$";
const VARIABLE: &str = r"^[^=\u0000]+$";
const VARIABLE_OF_SHELLS: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
const FILE: &str = r"^[^\u0000]*[^/\u0000]$";
const ABSOLUTE: &str = r"^/[^\u0000]*$";
const PORT: &str = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const SIGNAL: &str = "^((SIG)?(HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|\
                      TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS)|[1-9]|[12][0-9]|3[01])$";
const SPAN: &str = r"^([0-9]{1,7}(\.[0-9]{1,9})?(ms|s)|[0-9]{1,5}(\.[0-9]{1,9})?(m|min)|[0-9]{1,3}(\.[0-9]{1,9})?h|[0-9]{1,2}(\.[0-9]{1,9})?d)$";
const TIME: &str = r"^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|min|h|d)|[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-2][0-9]:[0-5][0-9]))$";
const TAGS: &str = r#"^(\*|((W/)?"[0-9.]{1,40}"(, ?(W/)?"[0-9.]{1,40}")*)?)$"#;
const SHARE: &str = "^(0*([0-9]{1,3}|1000)|0*([0-9]{1,2}|100)%)$";
const LEVEL: &str = "^(trace|debug|info|warn|error|fatal)$";
const LABEL: &str = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$";
const LABEL_TERM: &str = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}(=[A-Za-z0-9._-]{0,63})?$";
const URL: &str = r"^(https?://|\*\*\*$)";
const HOST: &str = "^[a-z0-9._-]{1,253}$";

/// Quotes that are closed.
const WORDS: &str = r#"^([^\u0000'"\\#]|\\[^\u0000]|'[^'\u0000]*'|"([^"\\\u0000]|\\[^\u0000])*")*$"#;

/// Writes the rules into the document.
pub fn describe(document: &mut Value) {
    lay_over("", document, &json!({"components": {"schemas": schemas()}}));
    for (path, item) in [("/api/v1/apps", "App"), ("/api/v1/processes", "Process")] {
        let members = document["components"]["schemas"][item]["properties"].as_object();
        let members: Vec<&str> = members.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let fields = several(&format!("({})", members.join("|")));
        let parameters = document["paths"][path]["get"]["parameters"].as_array_mut();
        for parameter in parameters.into_iter().flatten().filter(|parameter| parameter["name"] == "fields") {
            parameter["schema"]["pattern"] = json!(fields);
        }
    }
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut());
    let parameters = operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
    for parameter in parameters.flatten() {
        let Some(name) = parameter["name"].as_str().map(str::to_owned) else { continue };
        if let Some(pattern) = pattern_of_parameter(&name) {
            parameter["schema"]["pattern"] = json!(pattern);
        }
        let is_of_query = parameter["in"] == "query";
        match name.as_str() {
            "namespace" | "name" if !is_of_query => parameter["schema"]["pattern"] = json!(NAME),
            "namespace" | "name" => parameter["schema"]["pattern"] = json!(several(NAME_IN_LIST)),
            "label" => parameter["schema"]["pattern"] = json!(several(&LABEL_TERM[1..LABEL_TERM.len() - 1])),
            "port" if is_of_query => parameter["schema"]["pattern"] = json!(ports()),
            "grep" => parameter["schema"]["maxLength"] = json!(512),
            // `sys` is what we say.
            "stream" => parameter["schema"]["enum"] = json!(["out", "err"]),
            _ => {}
        }
    }
}

/// One or several of these, with commas between them.
fn several(pattern: &str) -> String {
    format!("^{pattern}(,{pattern})*$")
}

/// The same wherever a parameter has that name.
fn pattern_of_parameter(name: &str) -> Option<&'static str> {
    match name {
        "wait" | "soak" | "step" => Some(SPAN),
        "since" | "until" | "from" | "to" => Some(TIME),
        "level" => Some(LEVEL),
        "range" => Some("^(1h|24h|7d|30d)$"),
        "series" => Some("^(cpu_percent|memory_bytes)(,(cpu_percent|memory_bytes))*$"),
        "instances" => Some("^[0-9]{1,9}(,[0-9]{1,9})*$"),
        "if-match" | "if-none-match" => Some(TAGS),
        "last-event-id" => Some("^[0-9]{1,18}$"),
        "idempotency-key" => Some(r#"^([!#-~][!-~]{0,254}|"[!-~]{1,253}")$"#),
        _ => None,
    }
}

/// An amount of memory with its unit: at least a byte, and at most 2^53.
fn size() -> String {
    let some = |digits: usize, unit: &str| {
        let number = format!("[1-9][0-9]{{0,{}}}(\\.[0-9]{{1,9}})?", digits - 1);
        format!("({number}|0\\.[1-9][0-9]{{0,8}}){unit}([Ii]?[Bb])?")
    };
    let bytes = r"[1-9][0-9]{0,14}(\.[0-9]{1,9})?[Bb]".to_owned();
    let all = [bytes, some(12, "[Kk]"), some(9, "[Mm]"), some(6, "[Gg]"), some(3, "[Tt]")];
    format!("^({})$", all.join("|"))
}

/// A number of that many at most, or a text like that.
fn number_or(number: &str, least: i64, most: i64, text: &str, pattern: &str) -> Value {
    let number = json!({
        "description": number, "type": "integer", "format": "int64", "minimum": least, "maximum": most,
    });
    json!({"oneOf": [number, {"description": text, "type": "string", "pattern": pattern}]})
}

fn matching(pattern: &str) -> Value {
    json!({"pattern": pattern})
}

fn each(pattern: &str) -> Value {
    json!({"items": {"pattern": pattern}})
}

/// As [`each`], and there is one.
fn some(pattern: &str) -> Value {
    json!({"minItems": 1, "items": {"pattern": pattern}})
}

fn variables() -> Value {
    json!({"propertyNames": {"pattern": VARIABLE}, "additionalProperties": {"pattern": TEXT}})
}

/// As [`variables`]; a pattern says nothing of `null`, and a masked value is none.
fn variables_or_null() -> Value {
    let value = json!({"pattern": TEXT, "allOf": [{"not": {"enum": ["***"]}}]});
    json!({"propertyNames": {"pattern": VARIABLE}, "additionalProperties": value})
}

/// Anything but `null`.
fn some_json() -> Value {
    json!({"type": ["object", "array", "string", "number", "boolean"]})
}

/// Exactly one of these members.
fn one_of(members: &[&str]) -> Value {
    members.iter().map(|member| json!({"required": [member]})).collect()
}

/// One of the three forms.
fn ports() -> String {
    format!("^({PORT}|(auto:)?{PORT}-{PORT})$")
}

fn schemas() -> Value {
    let some_ports = json!({"pattern": ports()});
    let exit_codes = json!({"items": {"minimum": 0, "maximum": 255}});
    let grant = json!({"properties": {"namespaces": each(NAMESPACE)}});
    let password = json!({"minLength": 12, "maxLength": 256});
    json!({
        "NewApp": {"properties": {
            "script": matching(FULL_TEXT),
            "name": matching(NAME),
            "namespace": matching(NAME),
            "args": each(TEXT),
            "cwd": matching(ABSOLUTE),
            "interpreter": matching(FULL_TEXT),
            "interpreter_args": each(TEXT),
            "env_file": each(FULL_TEXT),
            "filter_env": each(FULL_TEXT),
            "instance_var": matching(VARIABLE_OF_SHELLS),
            "env": variables(),
            "labels": {
                "propertyNames": {"pattern": LABEL},
                "additionalProperties": {"pattern": "^[A-Za-z0-9._-]{0,63}$"},
                "maxProperties": 64,
            },
            "inherited_env": variables(),
            "port": some_ports,
            "listen_mode": matching("^(auto|shared|proxy)$"),
            "spread": matching("^(queue|even)$"),
            "stop_exit_codes": exit_codes,
            "kill_signal": matching(SIGNAL),
            "user": matching(FULL_TEXT),
            "group": matching(FULL_TEXT),
            "max_open_files": {"maximum": 1_i64 << 53},
            "core_size_bytes": {"maximum": 1_i64 << 53},
            "umask": matching("^[0-7]{1,3}$"),
            "ready": matching("^(auto|notify|message|port|log:.{1,512})$"),
        }},
        "Pm2App": {"properties": {
            "script": matching(FULL_TEXT),
            "name": matching(NAME),
            "namespace": matching(NAME),
            "args": each(TEXT),
            "cwd": matching(ABSOLUTE),
            "interpreter": matching(FULL_TEXT),
            "env": variables(),
            "instance_var": matching(VARIABLE_OF_SHELLS),
            "instances": {"minimum": 1, "maximum": 1000},
            "max_restarts": {"minimum": 0, "maximum": 1_000_000},
            "min_uptime": {"minimum": 0, "maximum": 86_400_000},
            "restart_delay": {"minimum": 0, "maximum": 86_400_000},
            "exp_backoff_restart_delay": {"minimum": 0, "maximum": 15_000},
            "stop_exit_codes": exit_codes,
            "kill_timeout": {"minimum": 0, "maximum": 86_400_000},
            "listen_timeout": {"minimum": 1, "maximum": 86_400_000},
        }},
        "Pm2Texts": {"oneOf": [
            {"type": "array", "items": {"type": "string", "pattern": FULL_TEXT}},
            {"type": "string", "pattern": FULL_TEXT},
        ]},
        "Pm2List": {"oneOf": [
            {"description": "One by one.", "type": "array", "items": {"type": "string", "pattern": TEXT}},
            {
                "description": "All in one text, split as a shell splits it.", "type": "string",
                "pattern": WORDS,
            },
        ]},
        "Pm2Port": number_or("One port.", 1, 65_535, "One of the three forms.", &ports()),
        "Pm2Size": number_or("Bytes.", 1, 1 << 53, "Number and unit, such as 512K, 100M or 1.5GB.", &size()),
        "Pm2Id": number_or("Its number.", 0, i64::from(u32::MAX), "Its name.", FULL_TEXT),
        "HealthCheck": {
            "properties": {
                "url": matching("^https?://"),
                "tcp": matching("^.+:.+$"),
                "script": matching(FULL_TEXT),
            },
            "oneOf": one_of(&["url", "tcp", "script"]),
        },
        "Hooks": {
            "properties": {"before_start": matching(FULL_TEXT)},
            "anyOf": one_of(&["before_start"]),
        },
        "FileWatch": {"properties": {
            "paths": {"maxItems": 200, "items": {"pattern": FULL_TEXT}},
            "ignore": {"maxItems": 200, "items": {"pattern": FULL_TEXT}},
            "extensions": {"maxItems": 200, "items": {"pattern": r"^\.*[^./*\u0000][^/*\u0000]*$"}},
        }},
        "Balance": {"properties": {
            "mode": matching("^(http|tcp)$"),
            "method": matching("^(round-robin|least-connections)$"),
            "sticky": matching("^(none|cookie|address)$"),
        }},
        "Rolling": {"properties": {"max_surge": matching(SHARE), "max_unavailable": matching(SHARE)}},
        "LogPolicy": {"properties": {
            "out_file": matching(FILE),
            "error_file": matching(FILE),
            "combined_file": matching(FILE),
            "date_format": matching(r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f]{1,100}$"),
        }},
        "Dependency": {"properties": {
            "app": matching(REFERENCE_TO_APP),
            "condition": matching("^(started|ready|healthy|completed)$"),
        }},
        "Schedule": {"properties": {
            "overlap": matching("^(skip|queue|replace)$"),
            "catch_up": matching("^(skip|once)$"),
        }},
        "ConfigOrder": {"properties": {
            "log_level": matching("^(trace|debug|info|warn|error)$"),
            "log_roots": each(r"^(?!.*(^|/)\.\.(/|$))/[^:\u0000-\u001f\u007f-\u009f]{0,1000}$"),
        }},
        "Bulk": {
            "properties": {
                "all": {"enum": [true]},
                "refs": {"minItems": 1},
                "namespaces": some(NAME),
                "names": some(NAME),
                "labels": some(LABEL_TERM),
                "states": some("^(starting|online|stopping|stopped|errored|restarting)$"),
            },
            "oneOf": [
                {"required": ["all"]},
                {"required": ["refs"]},
                {"anyOf": one_of(&["namespaces", "names", "states", "labels"])},
            ],
            // Each app says by itself how many of its processes are reloaded at a time.
            "allOf": [
                {"not": {"properties": {"action": {"enum": ["reload"]}}, "required": ["action", "strategy"]}},
                {"anyOf": [
                    {"properties": {"action": {"enum": ["reload"]}}},
                    {"not": {"required": ["soak_ms"]}},
                ]},
            ],
        },
        "ScaleOrder": {"oneOf": one_of(&["instances", "delta"])},
        "SignalOrder": {"properties": {"signal": matching(SIGNAL)}},
        "VariablesPatch": {"properties": {"variables": variables_or_null()}},
        "EnvOrder": {"properties": {"set": variables(), "unset": each(VARIABLE)}},
        "MessageOrder": {"properties": {"message": some_json()}},
        "ActionReply": {"properties": {"reply": some_json()}},
        "InheritedEnv": {"properties": {"variables": variables()}},
        "NewForward": {
            "properties": {"name": matching(NAME), "level": matching(LEVEL)},
            "oneOf": one_of(&["syslog", "http"]),
        },
        "NewAlertRule": {"properties": {
            "name": matching(NAME),
            "channels": {"maxItems": 16, "items": {"pattern": NAME}},
            "severity": matching("^(info|warning|critical)$"),
        }},
        "AlertWhen": {"oneOf": one_of(&[
            "errored", "restart_loop", "unhealthy", "memory", "cpu", "log_match", "operation_failed",
            "certificate", "disk",
        ])},
        "AlertLogMatch": {"properties": {"pattern": {"minLength": 1}, "stream": {"enum": ["out", "err"]}}},
        "NewAlertChannel": {
            "properties": {
                "name": matching(NAME),
                "slack": {"pattern": URL, "maxLength": 4096},
                "discord": {"pattern": URL, "maxLength": 4096},
                "command": {"minItems": 1, "maxItems": 32, "items": {"pattern": TEXT, "maxLength": 4096}},
            },
            "oneOf": one_of(&["webhook", "slack", "discord", "ntfy", "command"]),
        },
        "AlertWebhook": {"properties": {
            "url": {"pattern": URL, "maxLength": 4096},
            "format": matching("^(pmdaemon|alertmanager)$"),
            "secret": matching(r"^(\*\*\*|[\s\S]{16,512})$"),
            "headers": {"maxProperties": 32},
        }},
        "AlertNtfy": {"properties": {
            "url": {"pattern": URL, "maxLength": 4096},
            "token": {"maxLength": 4089},
        }},
        "ListenerSettings": {
            "properties": {
                "tls_cert": matching(ABSOLUTE),
                "tls_key": matching(ABSOLUTE),
                "hosts": each(HOST),
                "origins": each("^https?://[a-z0-9._-]+(:[1-9][0-9]{0,4})?$"),
            },
        },
        "NewSecret": {"properties": {"value": {"pattern": FULL_TEXT, "maxLength": 65_536}}},
        "NewToken": {"properties": {"namespaces": each(NAMESPACE), "name": matching(NAME)}},
        "NewUser": {"properties": {"namespaces": each(NAMESPACE), "name": matching(NAME), "password": password}},
        "UserGrant": grant,
        "NewPassword": {"properties": {"password": password}},
    })
}

/// What `rules` say, beside what the document says. Everything but the rules themselves has to be
/// there: else they are rules for nothing.
fn lay_over(at: &str, document: &mut Value, rules: &Value) {
    let (Some(members), Some(rules)) = (document.as_object_mut(), rules.as_object()) else {
        panic!("there are rules for {at}, and it is no object in the description");
    };
    for (name, rule) in rules {
        let at = format!("{at}/{name}");
        match members.get_mut(name) {
            Some(there) if rule.is_object() => lay_over(&at, there, rule),
            None if rule.is_object() => {
                panic!("there are rules for {at}, which the description does not have")
            }
            Some(_) | None => drop(members.insert(name.clone(), rule.clone())),
        }
    }
}
