//! `GET /`: all processes.

use axum::extract::State;
use axum::response::Html;

use super::{Asked, asked, reader};
use crate::api::access::{PageAuth, View};
use crate::api::resolve::resolve_app;
use crate::api::{ApiError, Shared, convert, picture, processes, system};
use crate::dashboard::{self, Order, ProcessesPage};

/// The page.
pub async fn list(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let picture = picture(&auth, &api);
    let processes = processes::list::all(&api, &auth.principal).await;
    let system = system::show::system(&api, &auth.principal).await?;
    Ok(Html(dashboard::processes_page(&ProcessesPage {
        processes: &processes,
        order: &order(&query),
        picture: &picture,
        system: &system,
        reader: &reader(&auth.principal, &api),
    })))
}

/// `GET /fragments/processes`: the table's body, for a page whose rows have come or gone. With
/// `app`, those of that app.
pub async fn table(
    auth: PageAuth<View>,
    State(api): State<Shared>,
    query: Asked,
) -> Result<Html<String>, ApiError> {
    let picture = picture(&auth, &api);
    let mut processes = processes::list::all(&api, &auth.principal).await;
    if !asked(&query, "app").is_empty() {
        let views = resolve_app(&auth.snapshot(&api), asked(&query, "app"))?;
        processes.retain(|process| views.iter().any(|view| i64::from(view.id.0) == process.id));
    }
    let who = convert::whoami(&auth.principal);
    Ok(Html(dashboard::table_fragment(&processes, &order(&query), &picture, &who)))
}

/// Before the rows are made: what changes in between is not part of it.
fn picture(auth: &PageAuth<View>, api: &Shared) -> String {
    picture::name(auth.snapshot(api).seq)
}

pub(super) fn order(query: &Asked) -> Order {
    Order::of(asked(query, "q"), asked(query, "sort"), asked(query, "group"))
}
