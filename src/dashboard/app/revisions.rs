//! `/apps/{ref}/revisions`: what the definition was, who changed it, and the way back.

use askama::Template;

use super::super::difference::Differences;
use super::super::event::moment;
use super::super::frame::{Frame, Here, Reader};
use super::super::render;
use super::Head;
use crate::wire::{App, Difference, Revision};

/// What the page shows.
pub struct AppRevisionsPage<'a> {
    /// The app as it is.
    pub app: &'a App,
    /// The versions that are kept, ascending.
    pub revisions: &'a [Revision],
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn app_revisions_page(page: &AppRevisionsPage<'_>) -> String {
    render(&View {
        head: Head::new(page.app, page.reader, "revisions"),
        frame: Frame::new(page.reader, Here::Processes),
        revisions: page.revisions.iter().rev().map(Told::new).collect(),
    })
}

#[derive(Template)]
#[template(path = "app/revisions.html")]
struct View<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    revisions: Vec<Told<'a>>,
}

/// One of them.
struct Told<'a> {
    revision: &'a Revision,
    /// `2026-01-02 03:04:05`.
    when: String,
    how: String,
    differences: Differences,
}

impl<'a> Told<'a> {
    fn new(revision: &'a Revision) -> Told<'a> {
        Told {
            revision,
            when: moment(&revision.at),
            how: how(revision),
            differences: Differences::between(&revision.changes),
        }
    }
}

/// How it became so. Words may be added to the API: those are shown as they are.
fn how(revision: &Revision) -> String {
    match (revision.cause.as_str(), revision.rolled_back_to) {
        ("created", _) => "Defined",
        ("updated", _) => "Changed",
        ("scaled", _) => "Scaled",
        ("environment", _) => "Another environment is inherited",
        ("rolled_back", Some(to)) => return format!("Rolled back to revision {to}"),
        ("restored", _) => "Restored from a restore point",
        ("put_back", _) => "Put back, because what came before could not be executed",
        ("taken_back", _) => "Taken back to what runs, because the reload failed",
        ("found", _) => "Found, from before revisions were kept",
        (other, _) => other,
    }
    .to_owned()
}

/// The question before going back.
pub struct RollbackPage<'a> {
    /// The app as it is.
    pub app: &'a App,
    /// The version to go back to.
    pub revision: i64,
    /// What becomes different.
    pub differences: &'a [Difference],
    /// The version of now, as an entity tag.
    pub etag: &'a str,
    /// Some of its processes are wanted up, and will restart.
    pub restarts: bool,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn rollback_page(page: &RollbackPage<'_>) -> String {
    render(&Question {
        head: Head::new(page.app, page.reader, "revisions"),
        frame: Frame::new(page.reader, Here::Processes),
        revision: page.revision,
        differences: (!page.differences.is_empty()).then(|| Differences::between(page.differences)),
        etag: page.etag,
        restarts: page.restarts,
    })
}

#[derive(Template)]
#[template(path = "app/rollback.html")]
struct Question<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    revision: i64,
    /// Absent: it is like that already.
    differences: Option<Differences>,
    etag: &'a str,
    restarts: bool,
}

#[cfg(test)]
mod tests {
    use super::super::super::row::tests::reader;
    use super::super::tests::app;
    use super::*;
    use crate::wire::Role;

    fn revision(number: i64, cause: &str, current: bool) -> Revision {
        Revision {
            revision: number,
            at: "2026-01-02T03:04:05.678Z".to_owned(),
            author: "<ann>".to_owned(),
            cause: cause.to_owned(),
            rolled_back_to: (cause == "rolled_back").then_some(1),
            current,
            changes: Vec::new(),
        }
    }

    #[test]
    fn each_but_the_present_one_can_be_gone_back_to_by_who_may_write() {
        let revisions = [revision(1, "created", false), revision(2, "rolled_back", true)];
        let page = |role| {
            app_revisions_page(&AppRevisionsPage {
                app: &app(Vec::new()),
                revisions: &revisions,
                reader: &reader(role),
            })
        };
        let html = page(Role::Deployer);
        assert!(html.contains("Rolled back to revision 1") && html.contains("&#60;ann&#62;"), "{html}");
        assert_eq!(html.matches("/rollback?revision=").count(), 1, "{html}");
        assert!(html.contains("/rollback?revision=1"), "{html}");
        assert!(!page(Role::Operator).contains("/rollback"), "an operator changes no definition");
    }
}
