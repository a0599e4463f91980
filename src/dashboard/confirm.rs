//! A question before something that cannot be taken back: what will be done, and to whom.

use askama::Template;

use super::frame::Frame;
use super::render;
use crate::wire::{Action, Whoami};

/// What is asked.
pub struct ConfirmPage<'a> {
    /// What is to be done.
    pub action: Action,
    /// The names of those that it is done to.
    pub names: &'a [String],
    /// Where the answer goes, and what goes with it.
    pub post: &'a str,
    /// Names and values of what goes with it.
    pub fields: &'a [(String, String)],
    /// Where one goes who does not want it.
    pub back: &'a str,
    /// The reader.
    pub who: &'a Whoami,
}

/// The page.
pub fn confirm_page(page: &ConfirmPage<'_>) -> String {
    let (verb, sentence) = words(page.action);
    render(&View {
        frame: Frame::of(Some(page.who)),
        verb,
        sentence,
        danger: page.action == Action::Delete,
        names: page.names,
        post: page.post,
        fields: page.fields,
        back: page.back,
    })
}

fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Start => ("Start", "What runs already stays as it is."),
        Action::Stop => {
            ("Stop", "Each is asked to end, with everything that it has started, and stays down.")
        }
        Action::Restart => ("Restart", "Each is asked to end, then runs anew."),
        Action::Delete => {
            ("Delete", "Each is stopped and forgotten, with its own log files. This cannot be taken back.")
        }
        Action::Reset => ("Reset", "The counters of restarts are set to zero. What runs goes on."),
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct View<'a> {
    frame: Frame<'a>,
    verb: &'static str,
    sentence: &'static str,
    danger: bool,
    names: &'a [String],
    post: &'a str,
    fields: &'a [(String, String)],
    back: &'a str,
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::who;
    use super::*;
    use crate::wire::Role;

    #[test]
    fn the_question_names_everybody_and_carries_what_was_asked() {
        let names = ["web-0".to_owned(), "<job>".to_owned()];
        let fields = [("ref".to_owned(), "3".to_owned()), ("sure".to_owned(), "yes".to_owned())];
        let html = confirm_page(&ConfirmPage {
            action: Action::Delete,
            names: &names,
            post: "/bulk",
            fields: &fields,
            back: "/",
            who: &who(Role::Deployer),
        });
        for part in [
            "Delete 2 processes?",
            "web-0",
            "&#60;job&#62;",
            r#"name="ref" value="3""#,
            "cannot be taken back",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
    }
}
