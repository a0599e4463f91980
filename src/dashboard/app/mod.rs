//! `/apps/{ref}`: one app. What it does now, its processes, what happened to it, its definition.

mod definition;
mod metrics;
mod now;
mod revisions;
mod update;

use askama::Template;

use super::event::lines;
use super::events::EventList;
use super::frame::{Frame, Here, Reader};
use super::order::Order;
use super::render;
use super::row::{COLUMNS, Column, Rows};
use crate::wire::{App, Event, JobRun};
use definition::{Group, groups};
pub use metrics::{AppMetricsPage, app_metrics_page};
use now::Now;
pub use revisions::{AppRevisionsPage, RollbackPage, app_revisions_page, rollback_page};
pub use update::{AppUpdatePage, Wanted, app_update_fragment, app_update_page};

/// A page about an app.
pub struct AppPage<'a> {
    /// The app with all its processes.
    pub app: &'a App,
    /// What has happened to its processes, oldest first.
    pub events: &'a [Event],
    /// The latest runs of a job, oldest first.
    pub runs: &'a [JobRun],
    /// The reader.
    pub reader: &'a Reader,
}

/// Signals that are offered; the command line sends any.
const SIGNALS: [&str; 8] =
    ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGTERM", "SIGQUIT", "SIGWINCH", "SIGKILL"];

/// How its pages name the app: `namespace:name`.
pub fn reference(app: &App) -> String {
    format!("{}:{}", app.namespace, app.name)
}

/// The overview.
pub fn app_page(page: &AppPage<'_>, order: &Order) -> String {
    render(&Overview {
        head: Head::new(page.app, page.reader, "overview"),
        frame: Frame::new(page.reader, Here::Processes),
        order,
        columns: &COLUMNS,
        now: Now::new(page.app, page.events, page.runs),
        body: Rows::new(&page.app.processes, order, "", &page.reader.who),
    })
}

/// What the overview tells of now, alone.
pub fn app_fragment(app: &App, events: &[Event], runs: &[JobRun]) -> String {
    render(&Now::new(app, events, runs))
}

/// What has happened to it.
pub fn app_events_page(page: &AppPage<'_>) -> String {
    render(&Events {
        head: Head::new(page.app, page.reader, "events"),
        frame: Frame::new(page.reader, Here::Processes),
        list: events_of(page.app, page.events),
    })
}

/// The list of that page alone.
pub fn app_events_fragment(app: &App, events: &[Event]) -> String {
    render(&events_of(app, events))
}

fn events_of<'a>(app: &App, events: &'a [Event]) -> EventList<'a> {
    EventList { events: lines(events), named: app.processes.len() > 1, filtered: false }
}

/// Its definition.
pub fn app_config_page(page: &AppPage<'_>) -> String {
    render(&Config {
        head: Head::new(page.app, page.reader, "config"),
        frame: Frame::new(page.reader, Here::Processes),
        groups: groups(page.app),
    })
}

/// What is above each of its pages.
pub(super) struct Head<'a> {
    pub app: &'a App,
    pub reference: String,
    /// Which of its pages.
    pub tab: &'static str,
    pub may_operate: bool,
    pub may_write: bool,
    /// How many processes it has.
    pub count: usize,
    pub signals: [&'static str; 8],
}

impl<'a> Head<'a> {
    pub fn new(app: &'a App, reader: &Reader, tab: &'static str) -> Head<'a> {
        let frame = Frame::new(reader, Here::Processes);
        Head {
            app,
            reference: reference(app),
            tab,
            may_operate: frame.may_operate(),
            may_write: frame.may_write(),
            count: app.processes.len(),
            signals: SIGNALS,
        }
    }
}

#[derive(Template)]
#[template(path = "app/overview.html")]
struct Overview<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    order: &'a Order,
    columns: &'a [Column],
    now: Now<'a>,
    body: Rows<'a>,
}

#[derive(Template)]
#[template(path = "app/events.html")]
struct Events<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    list: EventList<'a>,
}

#[derive(Template)]
#[template(path = "app/config.html")]
struct Config<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    groups: Vec<Group>,
}

#[cfg(test)]
pub(super) mod tests;
