//! One process as a row of the table: in the page, in a live push, in the whole table.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

use super::order::{Group, Order, Placed};
use super::{event, render, text};
use crate::wire::{Process, Role, Whoami};

/// One row. Its text is escaped by its own template, so it is safe inside another.
#[derive(Template)]
#[template(path = "row.html")]
pub(super) struct Row<'a> {
    p: &'a Process,
    can_operate: bool,
    /// The filter of the page leaves it out.
    hidden: bool,
    look: &'static str,
    /// The word that is shown: who rests until its schedule has it run waits.
    status: &'a str,
    /// When that is.
    next_run: Option<String>,
    health_look: &'static str,
    /// Nothing runs and nothing is about to: the button says start.
    idle: bool,
    ports: String,
    cpu: String,
    memory: String,
    memory_limit: Option<String>,
    uptime: String,
    last_exit: Option<String>,
}

impl<'a> Row<'a> {
    fn new(p: &'a Process, who: &Whoami) -> Row<'a> {
        let next_run = p.next_run_at.as_deref().filter(|_| p.status == "stopped");
        let or_nothing = |text: Option<String>| text.unwrap_or_else(|| text::NOTHING.to_owned());
        Row {
            p,
            can_operate: who.role >= Role::Operator,
            hidden: false,
            look: text::look(&p.status),
            status: next_run.map_or(&p.status, |_| "waiting"),
            next_run: next_run.map(|at| format!("next run {} UTC", event::moment(at))),
            health_look: p.health.as_deref().map_or("none", text::health_look),
            idle: matches!(p.status.as_str(), "stopped" | "errored"),
            ports: or_nothing((!p.ports.is_empty()).then(|| text::ports(&p.ports))),
            cpu: or_nothing(p.cpu_percent.map(text::cpu)),
            memory: or_nothing(p.memory_bytes.map(text::bytes)),
            memory_limit: p.max_memory_bytes.map(text::bytes),
            uptime: or_nothing(p.uptime_ms.map(text::duration)),
            last_exit: p.last_exit.as_ref().map(text::exit),
        }
    }
}

/// The body of the table.
#[derive(Template)]
#[template(path = "rows.html")]
pub(super) struct Rows<'a> {
    /// Which picture of all processes this is; empty when that is not known.
    picture: &'a str,
    rows: Vec<InPlace<'a>>,
}

/// A row, and the heading that begins with it.
struct InPlace<'a> {
    row: Row<'a>,
    group: Option<Group>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(processes: &'a [Process], order: &Order, picture: &'a str, who: &Whoami) -> Rows<'a> {
        let in_place = |placed: Placed<'a>| InPlace {
            row: Row { hidden: placed.hidden, ..Row::new(placed.process, who) },
            group: placed.group,
        };
        Rows { picture, rows: order.place(processes).into_iter().map(in_place).collect() }
    }
}

/// A column of the table, between the marks and the actions.
pub(super) struct Column {
    pub class: &'static str,
    pub label: &'static str,
    /// Its values are numbers.
    pub num: bool,
    /// The word by which rows are ordered; empty if they are not.
    pub sort: &'static str,
}

/// The columns, in their order.
pub(super) const COLUMNS: [Column; 9] = [
    column("state", "State", false, "status"),
    column("name", "Name", false, "name"),
    column("id", "Id", true, "id"),
    column("pid", "Pid", true, ""),
    column("port", "Port", true, "port"),
    column("cpu", "CPU", true, "cpu"),
    column("mem", "Memory", true, "mem"),
    column("up", "Uptime", true, "up"),
    column("restarts", "Restarts", true, "restarts"),
];

const fn column(class: &'static str, label: &'static str, num: bool, sort: &'static str) -> Column {
    Column { class, label, num, sort }
}

impl HtmlSafe for Row<'_> {}
impl HtmlSafe for Rows<'_> {}

/// The rows of `changed` as `<hx-partial>` elements: the browser morphs each into the row that it
/// has. Rows that it does not have are ignored there; those need [`table_fragment`].
pub fn row_fragments(changed: &[Process], who: &Whoami) -> String {
    changed.iter().map(|process| Partial(Row::new(process, who)).to_string()).collect()
}

/// The whole body of the table, for when rows were added or removed. A socket that is told the
/// `picture` does not ask for the same once more.
pub fn table_fragment(processes: &[Process], order: &Order, picture: &str, who: &Whoami) -> String {
    render(&Rows::new(processes, order, picture, who)).trim().to_owned()
}

/// A row addressed to its place in the page.
struct Partial<'a>(Row<'a>);

impl fmt::Display for Partial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No white space around the row: each morph would leave it in the table.
        let row = render(&self.0);
        let (id, row) = (self.0.p.id, row.trim());
        write!(f, r##"<hx-partial hx-target="#p-{id}" hx-swap="outerMorph">{row}</hx-partial>"##)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::frame::Reader;
    use super::*;
    use crate::wire::LastExit;

    /// A process in the given state, with everything that state has.
    pub fn process(id: i64, name: &str, status: &str) -> Process {
        let alive = matches!(status, "online" | "stopping");
        Process {
            id,
            name: name.to_owned(),
            app: name.to_owned(),
            namespace: "default".to_owned(),
            instance: 0,
            status: status.to_owned(),
            reason: (status == "errored").then(|| "given up after 16 unstable runs in a row".to_owned()),
            health: None,
            health_reason: None,
            pid: alive.then_some(4000 + id),
            ports: if alive { vec![3000 + id] } else { Vec::new() },
            port_overridden: false,
            revision: None,
            started_at: alive.then(|| "2026-01-02T03:04:05.678Z".to_owned()),
            uptime_ms: alive.then_some(187_000),
            restarts: 3,
            unstable_restarts: 0,
            cpu_percent: alive.then_some(3.44),
            memory_bytes: alive.then_some(19_293_798),
            tree: None,
            max_memory_bytes: None,
            last_exit: Some(LastExit { signal: Some("SIGKILL".to_owned()), ..LastExit::default() }),
            out_log: "/tmp/x-out.log".to_owned(),
            err_log: "/tmp/x-error.log".to_owned(),
            ready_ms: None,
            status_text: None,
            channel_lost: None,
            combined_log: None,
            custom_metrics: Vec::new(),
            next_run_at: None,
            actions: Vec::new(),
            logs: None,
        }
    }

    pub fn who(role: Role) -> Whoami {
        Whoami { subject: "ann".to_owned(), role, namespaces: vec!["*".to_owned()] }
    }

    pub fn reader(role: Role) -> Reader {
        Reader { who: who(role), firing: 0 }
    }

    #[test]
    fn a_row_says_everything_in_words() {
        let html =
            table_fragment(&[process(3, "web", "online")], &Order::default(), "", &who(Role::Operator));
        let told = [
            r#"id="p-3""#,
            ">online<",
            ">web<",
            ">4003<",
            ">3003<",
            ">3.4%<",
            ">18.4 MiB<",
            ">3m 7s<",
            ">SIGKILL<",
        ];
        for part in told {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }

    #[test]
    fn what_does_not_run_has_no_pid_and_no_usage_and_can_be_started() {
        let html =
            table_fragment(&[process(3, "web", "errored")], &Order::default(), "", &who(Role::Operator));
        assert_eq!(html.matches(">-<").count(), 5, "pid, port, cpu, memory, uptime in {html}");
        assert!(html.contains(r#"formaction="/apps/3/start""#));
        assert!(!html.contains("/stop"));
        assert!(html.contains("given up after 16 unstable runs"));
    }

    #[test]
    fn what_rests_until_its_schedule_has_it_run_waits_and_says_until_when() {
        let mut job = process(3, "report", "stopped");
        job.next_run_at = Some("2026-12-01T03:00:00.000Z".to_owned());
        let page = |job: &Process| {
            table_fragment(std::slice::from_ref(job), &Order::default(), "", &who(Role::Operator))
        };
        let html = page(&job);
        assert!(html.contains(">waiting<") && html.contains("next run 2026-12-01 03:00:00 UTC"), "{html}");
        assert!(html.contains(r#"data-status="stopped""#), "it is filtered by the API's word: {html}");
        // While it runs it says so.
        job.status = "online".to_owned();
        assert!(!page(&job).contains("next run"));
    }

    #[test]
    fn a_checked_process_has_a_badge_of_its_health_with_the_complaint() {
        let mut process = process(3, "web", "online");
        assert!(
            !table_fragment(std::slice::from_ref(&process), &Order::default(), "", &who(Role::Viewer))
                .contains("health")
        );
        process.health = Some("unhealthy".to_owned());
        process.health_reason = Some("answered 503".to_owned());
        let html = table_fragment(&[process], &Order::default(), "", &who(Role::Viewer));
        assert!(html.contains(r#"<span class="health h-unhealthy">unhealthy</span>"#), "{html}");
        assert!(html.contains("answered 503"), "{html}");
    }

    #[test]
    fn a_memory_limit_is_told_with_what_is_used_of_it() {
        let mut limited = process(3, "web", "online");
        limited.max_memory_bytes = Some(512 << 20);
        let html = table_fragment(
            &[limited, process(4, "job", "online")],
            &Order::default(),
            "",
            &who(Role::Viewer),
        );
        assert_eq!(html.matches(r#"title="18.4 MiB / 512 MiB""#).count(), 1, "{html}");
        assert_eq!(html.matches(r#"data-limit="512 MiB""#).count(), 1, "{html}");
    }

    #[test]
    fn a_viewer_gets_no_buttons() {
        let processes = [process(3, "web", "online")];
        assert!(!table_fragment(&processes, &Order::default(), "", &who(Role::Viewer)).contains("<button"));
        for role in [Role::Operator, Role::Deployer, Role::Admin] {
            assert!(
                table_fragment(&processes, &Order::default(), "", &who(role)).contains("<button"),
                "{role:?}"
            );
        }
    }

    #[test]
    fn a_push_is_the_row_of_the_page_addressed_to_its_place() {
        let processes = [process(3, "web", "online"), process(4, "job", "stopped")];
        let who = who(Role::Operator);
        let (page, push) =
            (table_fragment(&processes, &Order::default(), "", &who), row_fragments(&processes, &who));
        assert_eq!(push.matches("<hx-partial").count(), 2);
        for (row, id) in push.split_inclusive("</hx-partial>").zip([3, 4]) {
            let start = format!(r##"<hx-partial hx-target="#p-{id}" hx-swap="outerMorph">"##);
            let row = row.strip_prefix(&start).unwrap().strip_suffix("</hx-partial>").unwrap();
            assert!(row.starts_with("<tr ") && row.ends_with("</tr>"), "white space around {row}");
            assert!(page.contains(row), "another row in the page than {row}");
        }
    }

    /// Row 38 of the security checklist.
    #[test]
    fn foreign_text_is_escaped_and_ignored_by_htmx() {
        let evil = r#"<img src=x onerror=alert(1)><hx-partial hx-target="body">"'"#;
        let mut process = process(1, evil, evil);
        process.reason = Some(evil.to_owned());
        process.namespace = evil.to_owned();
        process.last_exit = Some(LastExit { signal: Some(evil.to_owned()), ..LastExit::default() });
        for html in [
            table_fragment(std::slice::from_ref(&process), &Order::default(), "", &who(Role::Admin)),
            row_fragments(std::slice::from_ref(&process), &who(Role::Admin)),
        ] {
            assert!(!html.contains("<img"), "{html}");
            assert!(!html.contains("<hx-partial hx-target=\"body"), "{html}");
            let row = html.split("<tr ").nth(1).unwrap();
            assert!(row.split('>').next().unwrap().contains("hx-ignore"), "{html}");
        }
    }
}
