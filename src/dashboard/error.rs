//! Errors as pages, for browsers. Programs get the same problem as JSON.

use askama::Template;

use super::frame::Frame;
use super::render;
use crate::wire::{Problem, Whoami};

#[derive(Template)]
#[template(path = "error.html")]
struct View<'a> {
    frame: Frame<'a>,
    status: u16,
    problem: &'a Problem,
}

/// The page for a problem. `who` is absent when nobody is logged in.
pub fn error_page(status: u16, problem: &Problem, who: Option<&Whoami>) -> String {
    render(&View { frame: Frame::of(who), status, problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FieldError;

    #[test]
    fn the_page_says_what_failed_as_text() {
        let problem = Problem {
            kind: "urn:pmdaemon:problem:app-not-found".to_owned(),
            title: "Not Found".to_owned(),
            status: 404,
            detail: "there is no app named <wbe>: did you mean web?".to_owned(),
            instance: None,
            code: "app_not_found".to_owned(),
            errors: vec![FieldError::new("/a".to_owned(), "1 to <9>".to_owned())],
            process: None,
            operation: None,
            oldest_seq: None,
        };
        let html = error_page(404, &problem, None);
        for part in ["404", "Not Found", "&#60;wbe&#62;", "app_not_found", "1 to &#60;9&#62;"] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("Log out"), "nobody is logged in");
    }
}
