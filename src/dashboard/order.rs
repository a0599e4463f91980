//! Filter, order and groups of the list, as its address says. `web/table.js` does the same to the
//! rows that are there, so that typing costs no request.

use std::collections::BTreeMap;

use crate::wire::Process;

/// By what rows can be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Key {
    #[default]
    Id,
    Status,
    Name,
    Port,
    Cpu,
    Memory,
    Uptime,
    Restarts,
}

const KEYS: [(&str, Key); 8] = [
    ("id", Key::Id),
    ("status", Key::Status),
    ("name", Key::Name),
    ("port", Key::Port),
    ("cpu", Key::Cpu),
    ("mem", Key::Memory),
    ("up", Key::Uptime),
    ("restarts", Key::Restarts),
];

/// Numbers are asked for from the top, words from A.
const CHOICES: [(&str, &str); 8] = [
    ("id", "by id"),
    ("name", "by name"),
    ("status", "by state"),
    ("-cpu", "by CPU"),
    ("-mem", "by memory"),
    ("-up", "by uptime"),
    ("-restarts", "by restarts"),
    ("port", "by port"),
];

/// By what rows are put together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum By {
    #[default]
    Nothing,
    App,
    Namespace,
}

/// What the address asks for. What it asks for wrongly is left out: a link never fails.
#[derive(Clone, Default, Debug)]
pub struct Order {
    /// The filter: words with spaces between them.
    pub q: String,
    key: Key,
    down: bool,
    by: By,
}

/// A heading above rows that belong together.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Group {
    pub href: String,
    pub name: String,
    pub count: String,
}

/// A row's place in the table.
pub(super) struct Placed<'a> {
    pub process: &'a Process,
    /// The filter leaves it out.
    pub hidden: bool,
    /// The heading that begins with it; only above rows that are seen.
    pub group: Option<Group>,
}

impl Order {
    /// From the parameters `q`, `sort` and `group`.
    pub fn of(q: &str, sort: &str, group: &str) -> Order {
        let (down, word) = sort.strip_prefix('-').map_or((false, sort), |word| (true, word));
        let key = KEYS.iter().find(|(name, _)| *name == word);
        Order {
            q: q.to_owned(),
            key: key.map_or(Key::Id, |(_, key)| *key),
            down: down && key.is_some(),
            by: match group {
                "app" => By::App,
                "namespace" => By::Namespace,
                _ => By::Nothing,
            },
        }
    }

    /// The parameter `sort`.
    pub(super) fn sort_text(&self) -> String {
        let name = KEYS.iter().find(|(_, key)| *key == self.key).map_or("id", |(name, _)| name);
        format!("{}{name}", if self.down { "-" } else { "" })
    }

    /// The parameter `group`.
    pub(super) fn group_text(&self) -> &'static str {
        match self.by {
            By::Nothing => "",
            By::App => "app",
            By::Namespace => "namespace",
        }
    }

    /// Whether rows are put together by that.
    pub(super) fn is_group(&self, word: &str) -> bool {
        self.group_text() == word
    }

    /// By what they can be.
    pub(super) fn groups(&self) -> [(&'static str, &'static str); 3] {
        [("", "no"), ("app", "by app"), ("namespace", "by namespace")]
    }

    /// What can be chosen where the headings have no room: the parameter `sort`, and its words.
    pub(super) fn choices(&self) -> Vec<(String, &'static str)> {
        let mut all: Vec<(String, &str)> =
            CHOICES.iter().map(|(value, words)| ((*value).to_owned(), *words)).collect();
        let now = self.sort_text();
        if !all.iter().any(|(value, _)| *value == now) {
            all.push((now, "as in the address"));
        }
        all
    }

    /// Whether rows are in that order.
    pub(super) fn is_sort(&self, value: &str) -> bool {
        self.sort_text() == value
    }

    /// The query of the link in the heading of that column.
    pub(super) fn link(&self, column: &str) -> String {
        // Numbers are asked for from the top, words from A.
        let down = match self.sort_text().trim_start_matches('-') == column {
            true => !self.down,
            false => matches!(column, "cpu" | "mem" | "up" | "restarts"),
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        query.append_pair("sort", &format!("{}{column}", if down { "-" } else { "" }));
        if self.by != By::Nothing {
            query.append_pair("group", self.group_text());
        }
        query.finish()
    }

    /// The word for `aria-sort`, if it is that column by which rows are ordered.
    pub(super) fn direction(&self, column: &str) -> Option<&'static str> {
        let is_it = self.sort_text().trim_start_matches('-') == column;
        is_it.then_some(if self.down { "descending" } else { "ascending" })
    }

    /// Every process at its place.
    pub(super) fn place<'a>(&self, processes: &'a [Process]) -> Vec<Placed<'a>> {
        let mut sorted: Vec<&Process> = processes.iter().collect();
        sorted.sort_by(|a, b| {
            let order = self.compare(a, b).then(a.id.cmp(&b.id));
            self.group_of(a).cmp(&self.group_of(b)).then(if self.down { order.reverse() } else { order })
        });
        let words = words(&self.q);
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for process in &sorted {
            let (all, online) = counts.entry(self.group_of(process)).or_default();
            *all += 1;
            *online += usize::from(process.status == "online");
        }
        let mut before = None;
        let placed = sorted.into_iter().map(|process| {
            let hidden = !has(process, &words);
            if hidden || self.by == By::Nothing {
                return Placed { process, hidden, group: None };
            }
            let group = self.group_of(process);
            let begins = before.as_ref() != Some(&group);
            let heading = begins.then(|| {
                let (all, online) = counts[&group];
                Group {
                    href: match self.by {
                        By::App | By::Nothing => format!("/apps/{group}"),
                        By::Namespace => format!("/?q={group}"),
                    },
                    name: group.strip_prefix("default:").unwrap_or(&group).to_owned(),
                    count: format!("{online} of {all} online"),
                }
            });
            before = Some(group);
            Placed { process, hidden, group: heading }
        });
        placed.collect()
    }

    fn group_of(&self, process: &Process) -> String {
        match self.by {
            By::Nothing => String::new(),
            By::App => format!("{}:{}", process.namespace, process.app),
            By::Namespace => process.namespace.clone(),
        }
    }

    fn compare(&self, a: &Process, b: &Process) -> std::cmp::Ordering {
        let number = |process: &Process| match self.key {
            Key::Cpu => process.cpu_percent.unwrap_or(-1.0),
            Key::Memory => process.memory_bytes.unwrap_or(-1) as f64,
            Key::Uptime => process.uptime_ms.unwrap_or(-1) as f64,
            Key::Restarts => process.restarts as f64,
            Key::Port => process.ports.first().copied().unwrap_or(0) as f64,
            Key::Id | Key::Status | Key::Name => process.id as f64,
        };
        match self.key {
            Key::Status => a.status.cmp(&b.status),
            Key::Name => a.name.cmp(&b.name),
            Key::Id | Key::Port | Key::Cpu | Key::Memory | Key::Uptime | Key::Restarts => {
                number(a).total_cmp(&number(b))
            }
        }
    }
}

fn words(q: &str) -> Vec<String> {
    q.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

/// Whether the filter `q` leaves it in.
pub fn matches(process: &Process, q: &str) -> bool {
    has(process, &words(q))
}

/// Every word must be found in what the row says; `!word` must not.
fn has(process: &Process, words: &[String]) -> bool {
    let id = process.id.to_string();
    let said = [&process.health, &process.health_reason, &process.reason].into_iter().flatten();
    let parts = [&process.name, &process.namespace, &process.status, &id];
    let text: Vec<String> = parts.into_iter().chain(said).map(|part| part.to_lowercase()).collect();
    let text = text.join(" ");
    words.iter().all(|word| match word.strip_prefix('!') {
        Some(not) => not.is_empty() || !text.contains(not),
        None => text.contains(word.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::process;
    use super::*;

    fn names(order: &Order, processes: &[Process]) -> Vec<String> {
        let placed = order.place(processes).into_iter();
        placed.filter(|row| !row.hidden).map(|row| row.process.name.clone()).collect()
    }

    #[test]
    fn the_address_says_which_rows_are_seen_in_which_order() {
        let mut all =
            [process(0, "web", "online"), process(1, "api", "errored"), process(2, "job", "stopped")];
        all[2].restarts = 9;
        let check = |q: &str, sort: &str, expected: &[&str]| {
            assert_eq!(names(&Order::of(q, sort, ""), &all), expected, "{q:?} {sort:?}");
        };
        check("", "", &["web", "api", "job"]);
        check("", "name", &["api", "job", "web"]);
        check("", "-restarts", &["job", "api", "web"]);
        check("", "nonsense", &["web", "api", "job"]);
        check("ERR", "", &["api"]);
        check("!online !errored", "", &["job"]);
        check("nothing-like-it", "", &[]);
    }

    #[test]
    fn groups_begin_with_a_heading_that_counts() {
        let mut all =
            [process(0, "web-0", "online"), process(1, "job", "stopped"), process(2, "web-1", "errored")];
        for (at, app) in [(0, "web"), (2, "web")] {
            all[at].app = app.to_owned();
        }
        let order = Order::of("", "", "app");
        let placed = order.place(&all);
        let headings: Vec<_> = placed.iter().filter_map(|row| row.group.as_ref()).collect();
        let told: Vec<_> = headings.iter().map(|group| (group.name.as_str(), group.count.as_str())).collect();
        assert_eq!(told, [("job", "0 of 1 online"), ("web", "1 of 2 online")]);
        assert_eq!(headings[1].href, "/apps/default:web");
        assert_eq!(names(&order, &all), ["job", "web-0", "web-1"]);
        let filtered = Order::of("errored", "", "app");
        let placed = filtered.place(&all);
        let with: Vec<_> =
            placed.iter().filter(|row| row.group.is_some()).map(|row| row.process.id).collect();
        assert_eq!(with, [2], "no heading above nothing");
    }

    #[test]
    fn a_heading_turns_the_order_around_and_keeps_the_filter() {
        let order = Order::of("a&b", "-cpu", "app");
        assert_eq!(order.link("cpu"), "q=a%26b&sort=cpu&group=app");
        assert_eq!(order.link("name"), "q=a%26b&sort=name&group=app");
        assert_eq!(Order::default().link("mem"), "sort=-mem");
        assert_eq!((order.direction("cpu"), order.direction("id")), (Some("descending"), None));
    }
}
