//! `/apps/{ref}/update`: the definition as a form, and what would be different, before it is so.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::difference::Differences;
use super::super::form::{self, Field, GROUPS, Shown};
use super::super::frame::{Frame, Here, Reader};
use super::super::render;
use super::{Head, reference};
use crate::wire::{App, FieldError, Plan, PlanAction};

/// The members that an update cannot change.
const FIXED: [&str; 2] = ["name", "namespace"];

/// What the page shows.
pub struct AppUpdatePage<'a> {
    /// The app as it is.
    pub app: &'a App,
    /// What the fields say, by name.
    pub values: &'a [(String, String)],
    /// What would be done, and what is wrong.
    pub wanted: &'a Wanted,
    /// The reader.
    pub reader: &'a Reader,
}

/// What somebody wants the definition to be.
#[derive(Default)]
pub struct Wanted {
    /// What it takes; absent while something is wrong.
    pub plan: Option<Plan>,
    /// What is wrong.
    pub errors: Vec<FieldError>,
    /// The version of the definition that the form was made from, as an entity tag.
    pub etag: String,
    /// Somebody changed the definition since.
    pub stale: bool,
}

/// The page.
pub fn app_update_page(page: &AppUpdatePage<'_>) -> String {
    let fields = |fields: &'static [Field]| {
        let one = |field: &'static Field| {
            Shown::new(field, page.values, &page.wanted.errors, FIXED.contains(&field.member))
        };
        fields.iter().map(one).collect()
    };
    render(&View {
        head: Head::new(page.app, page.reader, "config"),
        frame: Frame::new(page.reader, Here::Processes),
        groups: GROUPS.iter().map(|group| (group.title, fields(group.fields))).collect(),
        checked: Checked::new(page.app, page.wanted),
    })
}

/// What would be different, and what is wrong at each field: for the form while one types.
pub fn app_update_fragment(app: &App, wanted: &Wanted) -> String {
    format!("{}{}", render(&Checked::new(app, wanted)), form::errors_as_partials(&wanted.errors))
}

#[derive(Template)]
#[template(path = "app/update.html")]
struct View<'a> {
    frame: Frame<'a>,
    head: Head<'a>,
    groups: Vec<(&'static str, Vec<Shown>)>,
    checked: Checked<'a>,
}

/// What is beside the form.
#[derive(Template)]
#[template(path = "app/update_checked.html")]
struct Checked<'a> {
    reference: String,
    revision: i64,
    etag: &'a str,
    stale: bool,
    /// What is wrong and belongs to no field.
    others: Vec<String>,
    /// How much is wrong.
    wrong: usize,
    /// Absent while nothing differs.
    saving: Option<Saving<'a>>,
}

impl HtmlSafe for Checked<'_> {}

/// How it can be saved.
struct Saving<'a> {
    digest: &'a str,
    differences: Differences,
    /// What saving does to what runs.
    effect: &'static str,
    /// The value of `then` and the words of its button; the first is the usual one.
    ways: &'static [(&'static str, &'static str)],
}

impl<'a> Checked<'a> {
    fn new(app: &App, wanted: &'a Wanted) -> Checked<'a> {
        let shown: Vec<&'static Field> = form::all().collect();
        Checked {
            reference: reference(app),
            revision: app.revision,
            etag: &wanted.etag,
            stale: wanted.stale,
            others: form::without_field(&wanted.errors, &shown),
            wrong: wanted.errors.len(),
            saving: wanted.plan.as_ref().and_then(Saving::new),
        }
    }
}

impl<'a> Saving<'a> {
    fn new(plan: &'a Plan) -> Option<Saving<'a>> {
        let step = plan.steps.first().filter(|step| !step.changes.is_empty())?;
        let (effect, ways) = ways(step.action)?;
        Some(Saving { digest: &plan.digest, differences: Differences::wanted(&step.changes), effect, ways })
    }
}

type Ways = &'static [(&'static str, &'static str)];

/// What it takes, and how it can be done.
fn ways(action: PlanAction) -> Option<(&'static str, Ways)> {
    match action {
        PlanAction::None | PlanAction::Create | PlanAction::Remove => None,
        PlanAction::Live => Some(("Nothing restarts: this holds from now on.", &[("keep", "Save")])),
        PlanAction::Start => Some((
            "It is down: its next start is the first with this.",
            &[("keep", "Save"), ("start", "Save and start")],
        )),
        PlanAction::Reload => Some((
            "What runs goes on as it was until it is replaced, which can be done without a pause.",
            &[("reload", "Save and reload"), ("keep", "Save for the next start")],
        )),
        PlanAction::Restart => Some((
            "What runs goes on as it was until it is restarted.",
            &[("restart", "Save and restart"), ("keep", "Save for the next start")],
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::row::tests::reader;
    use super::super::tests::app;
    use super::*;
    use crate::wire::{Change, PlanStep, Role};

    fn wanted(action: PlanAction, changes: Vec<Change>) -> Wanted {
        let step = PlanStep {
            app: "web".to_owned(),
            namespace: "default".to_owned(),
            id: Some(1),
            etag: None,
            action,
            changes,
        };
        let plan = Plan { digest: "d1".to_owned(), steps: vec![step] };
        Wanted { plan: Some(plan), etag: "\"1.2\"".to_owned(), ..Wanted::default() }
    }

    fn change() -> Change {
        Change { member: "instances".to_owned(), from: Some("1".to_owned()), to: Some("2".to_owned()) }
    }

    #[test]
    fn what_differs_is_shown_with_the_ways_to_save_it() {
        let html = app_update_fragment(&app(Vec::new()), &wanted(PlanAction::Restart, vec![change()]));
        for part in ["Instances", "<del>", "<ins>", r#"value="restart""#, r#"value="keep""#, r#"value="d1""#]
        {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }

    #[test]
    fn nothing_can_be_saved_while_nothing_differs_or_somebody_else_changed_it() {
        let check = |wanted: &Wanted| {
            let html = app_update_fragment(&app(Vec::new()), wanted);
            assert!(!html.contains(r#"name="then""#), "{html}");
        };
        check(&wanted(PlanAction::None, Vec::new()));
        check(&wanted(PlanAction::Start, Vec::new()));
        check(&Wanted { stale: true, ..wanted(PlanAction::Live, vec![change()]) });
        let errors = vec![FieldError::new("/port", "no port")];
        check(&Wanted { errors, ..Wanted::default() });
    }

    #[test]
    fn the_name_is_shown_and_fixed_and_each_field_says_what_is_wrong() {
        let values = [("name".to_owned(), "web".to_owned()), ("port".to_owned(), "<9>".to_owned())];
        let errors = vec![FieldError::new("/port", "\"<9>\" is no port")];
        let wanted = Wanted { errors, ..Wanted::default() };
        let page = AppUpdatePage {
            app: &app(Vec::new()),
            values: &values,
            wanted: &wanted,
            reader: &reader(Role::Deployer),
        };
        let html = app_update_page(&page);
        assert!(html.contains(r#"value="&#60;9&#62;""#) && html.contains("is no port"), "{html}");
        assert_eq!(html.matches(" readonly").count(), 2, "{html}");
    }
}
