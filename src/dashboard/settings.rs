//! `/settings`: tokens, users and the browsers that are logged in.

use askama::Template;

use super::frame::{Frame, Here, Reader};
use super::system::about;
use super::{render, text};
use crate::wire::{Daemon, Role, Session, Token, User, Whoami};

/// What the page shows.
pub struct SettingsPage<'a> {
    /// The tokens that the reader may manage.
    pub tokens: &'a [Token],
    /// The users that the reader sees.
    pub users: &'a [User],
    /// The browsers that the reader may log out.
    pub sessions: &'a [Session],
    /// pmdaemon itself.
    pub daemon: &'a Daemon,
    /// A token that was just made, with its name. It is shown this once.
    pub secret: Option<(&'a str, &'a str)>,
    /// What was wrong with the form that was sent.
    pub error: Option<&'a str>,
    /// The reader.
    pub reader: &'a Reader,
}

/// The page.
pub fn settings_page(page: &SettingsPage<'_>) -> String {
    render(&View {
        frame: Frame::new(page.reader, Here::Settings),
        tokens: page.tokens,
        users: page.users,
        sessions: page.sessions,
        about: about(page.daemon),
        secret: page.secret,
        error: page.error,
        is_admin: page.reader.who.role == Role::Admin,
        who: &page.reader.who,
    })
}

#[derive(Template)]
#[template(path = "settings.html")]
struct View<'a> {
    frame: Frame<'a>,
    tokens: &'a [Token],
    users: &'a [User],
    sessions: &'a [Session],
    about: Vec<(&'static str, String)>,
    secret: Option<(&'a str, &'a str)>,
    error: Option<&'a str>,
    is_admin: bool,
    who: &'a Whoami,
}

impl View<'_> {
    /// The roles that can be given.
    fn roles(&self) -> [&'static str; 4] {
        [Role::Viewer, Role::Operator, Role::Deployer, Role::Admin].map(|role| text::role(&role))
    }

    fn role(&self, role: &Role) -> &'static str {
        text::role(role)
    }

    /// All of them, or which.
    fn namespaces(&self, words: &[String]) -> String {
        match words {
            [all] if all == "*" => "all namespaces".to_owned(),
            some => some.join(", "),
        }
    }

    /// `2026-01-02 03:04`.
    fn when(&self, ts: &str) -> String {
        ts.get(..16).unwrap_or(ts).replace('T', " ")
    }

    fn is_self(&self, user: &User) -> bool {
        user.name == self.who.subject
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::reader;
    use super::*;

    fn page(role: Role, secret: Option<(&str, &str)>) -> String {
        let user = |name: &str| User {
            name: name.to_owned(),
            role: Role::Operator,
            namespaces: vec!["shop".to_owned()],
            created_at: "2026-01-02T03:04:05.678Z".to_owned(),
            has_password: true,
        };
        settings_page(&SettingsPage {
            tokens: &[],
            users: &[user("ann"), user("<bob>")],
            sessions: &[],
            daemon: &Daemon {
                version: "0.1.0".to_owned(),
                pid: 1,
                uptime_ms: 1,
                keeper_pid: None,
                home: "/srv/<home>".to_owned(),
                listeners: vec![],
                upgrade: None,
            },
            secret,
            error: Some("no <such> name"),
            reader: &reader(role),
        })
    }

    #[test]
    fn only_an_admin_manages_users_and_nobody_removes_themselves() {
        let admin = page(Role::Admin, None);
        assert!(admin.contains("&#60;bob&#62;") && admin.contains("no &#60;such&#62; name"), "{admin}");
        assert!(admin.contains(r#"action="/settings/users/add""#), "{admin}");
        assert_eq!(admin.matches(r#"action="/settings/users/remove""#).count(), 1, "{admin}");
        assert!(!page(Role::Deployer, None).contains("/settings/users/"), "a deployer manages no users");
    }

    #[test]
    fn a_secret_is_shown_when_there_is_one() {
        assert!(page(Role::Admin, Some(("ci", "eyJhbGci"))).contains("eyJhbGci"));
        assert!(!page(Role::Admin, None).contains("not be shown again"));
    }

    #[test]
    fn it_says_what_runs_here() {
        let html = page(Role::Viewer, None);
        assert!(html.contains("0.1.0") && html.contains("/srv/&#60;home&#62;"), "{html}");
    }
}
