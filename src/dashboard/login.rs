//! `/login` and `/login/once`: how a browser gets its session. Both work without script.

use askama::Template;

use super::frame::Frame;
use super::render;

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    frame: Frame<'a>,
    next: &'a str,
    error: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login_once.html")]
struct LoginOnce<'a> {
    frame: Frame<'a>,
    code: &'a str,
}

/// The page that takes a token. `next` is the local path to go to afterwards, `error` what was
/// wrong with the last try.
pub fn login_page(next: &str, error: Option<&str>) -> String {
    render(&Login { frame: Frame::of(None), next, error })
}

/// The page behind a link from the terminal: one button. Only the POST uses the code up, so a
/// browser that fetches links ahead of time does no harm.
pub fn login_once_page(code: &str) -> String {
    render(&LoginOnce { frame: Frame::of(None), code })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_carries_where_to_go_and_never_a_token() {
        let html = login_page(r#"/apps/1/logs?"x"#, Some("that <token> is not valid"));
        assert!(html.contains(r#"name="next" value="/apps/1/logs?&#34;x""#), "{html}");
        assert!(html.contains("that &#60;token&#62; is not valid"));
        assert!(html.contains(r#"action="/login""#) && html.contains(r#"name="token" type="password""#));
        assert!(html.contains("pmdaemon open") && html.contains("pmdaemon web"));
        assert!(!login_page("/", None).contains("aria-invalid"));
    }

    #[test]
    fn the_one_time_page_is_one_form_that_posts_the_code() {
        let html = login_once_page("a\"b");
        assert_eq!(html.matches("<form").count(), 1);
        assert!(html.contains(r#"action="/login/once""#) && html.contains(r#"name="code" value="a&#34;b""#));
    }
}
