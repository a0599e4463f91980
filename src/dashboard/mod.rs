//! The dashboard: pages as pure views. Wire types go in, HTML comes out.
//!
//! Nothing here knows of HTTP, sessions or the brain; `api/pages` asks for a page and sends it.
//!
//! - Each page is a struct next to its template of the same name in `templates/`. It is complete
//!   without script: reading, start, stop, restart, log in and log out are links and forms.
//! - Live pushes are the same fragments from the same template ([`row_fragments`],
//!   [`table_fragment`]); `web/socket.js` has them put into the page.
//! - The pages obey `script-src 'self'; style-src 'self'` to the letter: no inline script, no inline
//!   style. Everything they refer to is in [`assets`].
//! - Text from outside (names, logs, reasons) is escaped by the template engine, and its container
//!   carries `hx-ignore`, since a content security policy does not stop htmx attributes.

mod alerts;
mod app;
pub mod assets;
mod audit;
mod chart;
mod command_line;
mod confirm;
mod difference;
mod docs;
mod error;
mod event;
mod events;
pub mod form;
mod frame;
mod host;
mod log_line;
mod login;
mod logs;
mod operations;
mod order;
mod ports;
mod processes;
mod row;
mod settings;
mod start;
mod system;
pub mod text;

pub use alerts::{
    AlertSetup, AlertsPage, Typed, alert_channel, alert_removal_page, alert_rule, alerts_fragment,
    alerts_page,
};
pub use app::{
    AppMetricsPage, AppPage, AppRevisionsPage, AppUpdatePage, RollbackPage, Wanted, app_config_page,
    app_events_fragment, app_events_page, app_fragment, app_metrics_page, app_page, app_revisions_page,
    app_update_fragment, app_update_page, reference as app_reference, rollback_page,
};
pub use audit::audit_page;
pub use confirm::{ConfirmPage, confirm_page};
pub use docs::docs_page;
pub use error::error_page;
pub use events::{EventsPage, events_fragment, events_page};
pub use frame::Reader;
pub use login::{login_once_page, login_page};
pub use logs::{LogsAsked, LogsPage, logs_page};
pub use operations::{
    OperationsPage, operation_fragment, operation_page, operations_fragment, operations_page,
};
pub use order::{Order, matches};
pub use ports::{ports_fragment, ports_page};
pub use processes::{ProcessesPage, processes_page};
pub use row::{row_fragments, table_fragment};
pub use settings::{SettingsPage, settings_page};
pub use start::{StartPage, start_fragment, start_page};
pub use system::{Disk, SystemPage, system_page};

use askama::Template;

/// Renders a template. Ours only write strings and numbers to memory, which cannot fail.
fn render(template: &impl Template) -> String {
    template.render().expect("a template that formats to memory cannot fail")
}

#[cfg(test)]
mod template_tests;
