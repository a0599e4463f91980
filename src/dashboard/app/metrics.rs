//! `/apps/{ref}/metrics`: what its processes have used.

use askama::Template;

use super::super::chart::Charts;
use super::super::frame::{Frame, Here, Reader};
use super::super::render;
use super::Head;
use crate::wire::{App, Metrics};

/// What the page shows.
pub struct AppMetricsPage<'a> {
    /// The app with all its processes.
    pub app: &'a App,
    /// How far back, as the API says it.
    pub range: &'a str,
    /// Names and ids of the processes that are shown, with their figures.
    pub metrics: &'a [(i64, String, Metrics)],
    /// How many more there are.
    pub left_out: usize,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn app_metrics_page(page: &AppMetricsPage<'_>) -> String {
    render(&View {
        head: Head::new(page.app, page.reader, "metrics"),
        frame: Frame::new(page.reader, Here::Processes),
        range: page.range,
        charts: page
            .metrics
            .iter()
            .map(|(id, name, metrics)| Charts::new(name, format!("p{id}"), metrics, None))
            .collect(),
        left_out: page.left_out,
    })
}

#[derive(Template)]
#[template(path = "app/metrics.html")]
struct View<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    range: &'a str,
    charts: Vec<Charts<'a>>,
    left_out: usize,
}
