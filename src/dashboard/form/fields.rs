//! The fields: one for each member of a definition that a person changes.

use super::value::Kind;

/// A field of the form.
pub struct Field {
    /// The member of the definition, as the API names it: `script`, `health_check.url`. The name of
    /// the field is the same.
    pub member: &'static str,
    pub(in crate::dashboard) kind: Kind,
    pub(in crate::dashboard) label: &'static str,
    pub(in crate::dashboard) placeholder: &'static str,
    pub(in crate::dashboard) hint: &'static str,
}

/// Fields under one heading.
pub struct Group {
    pub(in crate::dashboard) title: &'static str,
    pub(in crate::dashboard) fields: &'static [Field],
}

impl Field {
    /// The member as a JSON pointer.
    pub fn pointer(&self) -> String {
        format!("/{}", self.member.replace('.', "/"))
    }

    /// A part of an id in HTML, which a selector takes as it is.
    pub(super) fn id(&self) -> String {
        self.member.replace('.', "-")
    }
}

/// The field of that member.
pub fn field(member: &str) -> Option<&'static Field> {
    all().find(|field| field.member == member)
}

/// Every field.
pub fn all() -> impl Iterator<Item = &'static Field> {
    GROUPS.iter().flat_map(|group| group.fields)
}

/// How people call a member; members without a field have their own name.
pub fn label_of(member: &str) -> String {
    field(member).map_or_else(|| member.to_owned(), |field| field.label.to_owned())
}

const fn text(
    member: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
) -> Field {
    Field { member, kind: Kind::Text, label, placeholder, hint }
}

const fn of(
    kind: Kind,
    member: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
) -> Field {
    Field { member, kind, label, placeholder, hint }
}

const fn yes(member: &'static str, label: &'static str) -> Field {
    Field { member, kind: Kind::Yes, label, placeholder: "", hint: "" }
}

/// All of them, in the order in which one thinks of it.
pub static GROUPS: [Group; 12] = [
    Group {
        title: "Program",
        fields: &[
            text(
                "script",
                "Script or command",
                "/srv/app/server.js",
                "A file, or a command with its arguments in PATH.",
            ),
            text("name", "Name", "server", "Default: the script's name without its extension."),
            of(
                Kind::Words,
                "args",
                "Arguments",
                "--verbose 'two words'",
                "As in a shell, with quotes where a word has blanks.",
            ),
            text("cwd", "Directory", "/srv/app", "An absolute path."),
            text("namespace", "Namespace", "default", "Apps that belong together."),
            text("interpreter", "Interpreter", "node", "Default: by the extension or the first line."),
            of(
                Kind::Words,
                "interpreter_args",
                "Arguments of the interpreter",
                "--enable-source-maps",
                "They come before the script.",
            ),
        ],
    },
    Group {
        title: "Environment",
        fields: &[
            of(
                Kind::Variables,
                "env",
                "Environment",
                "NODE_ENV=production",
                "One variable on each line, as NAME=value.",
            ),
            of(
                Kind::Lines,
                "env_file",
                "Environment files",
                "/srv/app/.env",
                "One on each line. Read at each start; a later one wins.",
            ),
            of(
                Kind::Lines,
                "filter_env",
                "Not inherited",
                "AWS_",
                "Variables whose name contains one of these, one on each line.",
            ),
            text(
                "instance_var",
                "Instance variable",
                "WORKER",
                "One more variable with the number of the instance, beside NODE_APP_INSTANCE.",
            ),
        ],
    },
    Group {
        title: "Processes",
        fields: &[
            of(Kind::Number, "instances", "Instances", "1", "How many processes."),
            text("port", "Port", "3000, 3000-3003 or auto:3000-3100", "Given as PORT to each process."),
            of(
                Kind::Choice(&["auto", "shared"]),
                "listen_mode",
                "Listening",
                "",
                "Shared: one socket is held for all processes.",
            ),
            of(
                Kind::Choice(&["queue", "even"]),
                "spread",
                "Connections",
                "",
                "Of a shared port. Queue: who has time is next; even: the same for each.",
            ),
            of(
                Kind::Dependencies,
                "depends_on",
                "Depends on",
                "db:healthy",
                "One app on each line, with started, ready, healthy or completed.",
            ),
            yes("autostart", "Start it when it is defined and at boot"),
        ],
    },
    Group {
        title: "Restarts",
        fields: &[
            yes("autorestart", "Start it again when it ends by itself"),
            of(Kind::Number, "max_restarts", "Given up after", "16", "So many unstable runs in a row."),
            of(Kind::Span, "min_uptime_ms", "A run is stable after", "1s", "A shorter one is unstable."),
            of(Kind::Span, "restart_delay_ms", "Fixed wait before a restart", "0s", "0: the waits grow."),
            of(
                Kind::Span,
                "exp_backoff_restart_delay_ms",
                "First of the growing waits",
                "100ms",
                "Each is longer by half, up to 15 s.",
            ),
            of(
                Kind::Codes,
                "stop_exit_codes",
                "Stays down after exit code",
                "0 3",
                "Several with blanks between them.",
            ),
        ],
    },
    Group {
        title: "Stopping",
        fields: &[
            text("kill_signal", "Asked to end by", "SIGTERM", "A signal by name or number."),
            of(Kind::Span, "kill_timeout_ms", "Killed after", "10s", "What is left by then gets SIGKILL."),
            yes("stdin", "A pipe as standard input, for pmdaemon send and attach"),
            yes("shutdown_with_message", "Ask by the message \"shutdown\" on its IPC channel instead"),
        ],
    },
    Group {
        title: "Reloading",
        fields: &[
            of(
                Kind::Span,
                "rolling.soak_ms",
                "A new run stays well for",
                "1s",
                "Before the old one goes. One that does not ends the reload.",
            ),
            text("rolling.max_surge", "New runs beside old ones", "1", "At a time: a number, or 25%."),
            text("rolling.max_unavailable", "Processes missing meanwhile", "0", "A number, or 25%."),
        ],
    },
    Group {
        title: "Health",
        fields: &[
            text(
                "health_check.url",
                "Health check",
                "http://localhost:{port}/health",
                "GET of this URL: 2xx is healthy.",
            ),
            text(
                "health_check.tcp",
                "Health check by connecting",
                "localhost:{port}",
                "Instead of a URL: being accepted is healthy.",
            ),
            text(
                "health_check.script",
                "Health check by a script",
                "./health-check.sh",
                "Instead of a URL: exit code 0 is healthy.",
            ),
            of(Kind::Span, "health_check.interval_ms", "Time between health checks", "10s", ""),
            of(Kind::Span, "health_check.timeout_ms", "A health check takes at most", "5s", ""),
            of(
                Kind::Number,
                "health_check.retries",
                "Failures in a row that are unhealthy",
                "3",
                "Then it is restarted.",
            ),
            of(
                Kind::Span,
                "health_check.start_limit_ms",
                "Failures count after",
                "60s",
                "Before, it may still be starting.",
            ),
            text("ready", "Ready", "auto, port, notify or log:REGEX", "What makes it ready."),
            of(
                Kind::Span,
                "listen_timeout_ms",
                "Ready within",
                "60s",
                "Otherwise the start has failed. With auto: healthy within.",
            ),
        ],
    },
    Group {
        title: "Hooks",
        fields: &[
            text(
                "hooks.before_start",
                "Command before each start",
                "./migrate.sh",
                "Unless it ends with exit code 0, the start fails.",
            ),
            of(Kind::Span, "hooks.timeout_ms", "A hook takes at most", "60s", ""),
        ],
    },
    Group {
        title: "Limits",
        fields: &[
            of(Kind::Size, "max_memory_bytes", "Memory limit", "512M", "More leads to a graceful restart."),
            of(Kind::Number, "nice", "Nice", "0", "Priority: -20 is first, 19 is last."),
            of(Kind::Number, "max_open_files", "Open files", "4096", "Of each process."),
            of(Kind::Number, "core_size_bytes", "Core dumps, in bytes", "0", "0: none. -1: without a limit."),
            text("umask", "Umask", "022", "Permission bits that new files do not get, in octal."),
            text("user", "User", "www-data", "Only when pmdaemon runs as root."),
            text("group", "Group", "www-data", "Default: the user's own."),
        ],
    },
    Group {
        title: "Watched files",
        fields: &[
            of(
                Kind::Lines,
                "watch.paths",
                "Restart when these change",
                "/srv/app/src",
                "Files and directories, one on each line.",
            ),
            of(Kind::Lines, "watch.ignore", "What does not count", "*.tmp", "Globs, one on each line."),
            of(Kind::Lines, "watch.extensions", "Only with these extensions", "js", "One on each line."),
            of(Kind::Span, "watch.delay_ms", "Quiet before it restarts", "100ms", "A burst is one change."),
        ],
    },
    Group {
        title: "Schedule",
        fields: &[
            text(
                "schedule.cron",
                "Restart or run at",
                "0 3 * * *",
                "Minute, hour, day, month, day of the week.",
            ),
            text("schedule.timezone", "Time zone", "Europe/Berlin", "Default: the daemon's."),
            text("schedule.overlap", "A job that is due while it runs", "skip", "skip, queue or replace."),
            text("schedule.catch_up", "Times when nobody could look", "skip", "skip or once."),
        ],
    },
    Group {
        title: "Logs",
        fields: &[
            text(
                "logs.out_file",
                "Standard output into",
                "/srv/logs/app.log",
                "Default: a file in the home. /dev/null: none.",
            ),
            text("logs.error_file", "Standard error into", "/srv/logs/app-error.log", "By the same rules."),
            text("logs.combined_file", "Both into", "/srv/logs/app-all.log", "Besides the others."),
            yes("logs.merge", "All processes write into the same files"),
            of(
                Kind::Size,
                "logs.max_size_bytes",
                "A file is closed at",
                "10M",
                "Then the next begins. 0: never.",
            ),
            of(Kind::Number, "logs.max_files", "Closed files kept", "30", "-1: as many as fit."),
            of(Kind::Span, "logs.max_age_ms", "Oldest line", "7d", "0: of any age."),
            of(
                Kind::Choice(&["block", "drop"]),
                "logs.when_full",
                "When the disk is full",
                "",
                "Block: the program waits. Drop: output is counted and dropped.",
            ),
            text("logs.date_format", "Times in front of lines", "YYYY-MM-DD HH:mm:ss", "Default: none."),
        ],
    },
];
