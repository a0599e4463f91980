//! What is served, and to whom.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::path::PathBuf;

use super::guard::Login;

/// The port that PM2 serves on, too.
const USUAL_PORT: u16 = 8080;

/// One site.
#[derive(Debug)]
pub struct Site {
    /// The directory.
    pub root: PathBuf,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on.
    pub port: u16,
    /// The page that stands for every path that is no file: a single-page application has one.
    pub page: Option<PathBuf>,
    /// Who may look; absent: everybody.
    pub login: Option<Login>,
    /// For how many seconds a browser need not ask again; pages of HTML always.
    pub max_age: u32,
}

impl Site {
    /// Reads `PM2_SERVE_PATH`, `_PORT`, `_HOST`, `_SPA`, `_HOMEPAGE`, `_BASIC_AUTH`,
    /// `_BASIC_AUTH_USERNAME`, `_BASIC_AUTH_PASSWORD`, and `PORT`, as PM2 does; and
    /// `PM2_SERVE_MAX_AGE`, which is ours.
    ///
    /// # Errors
    /// A sentence that names the variable.
    pub fn from_env() -> Result<Site, String> {
        Site::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Site, String> {
        let root = PathBuf::from(variable("PM2_SERVE_PATH").unwrap_or_else(|| ".".to_owned()));
        let root = root
            .canonicalize()
            .ok()
            .filter(|path| path.is_dir())
            .ok_or_else(|| format!("PM2_SERVE_PATH is {}: there is no such directory", root.display()))?;
        let given = ["PM2_SERVE_PORT", "PORT"].into_iter().find_map(|name| Some((name, variable(name)?)));
        let port = match given {
            None => USUAL_PORT,
            Some((name, text)) => {
                let port: Option<NonZeroU16> = text.parse().ok();
                port.ok_or_else(|| format!("{name} is no port: use a number from 1 to 65535"))?.get()
            }
        };
        let host = match variable("PM2_SERVE_HOST").as_deref() {
            None => Ipv4Addr::UNSPECIFIED.into(),
            Some("localhost") => Ipv4Addr::LOCALHOST.into(),
            Some(text) => text
                .parse()
                .map_err(|_| format!("PM2_SERVE_HOST is {text:?}: use an address like 127.0.0.1 or ::"))?,
        };
        let is_on = |name: &str| variable(name).is_some_and(|value| value != "false");
        let page = is_on("PM2_SERVE_SPA").then(|| {
            let page = variable("PM2_SERVE_HOMEPAGE").unwrap_or_else(|| "/index.html".to_owned());
            root.join(page.trim_start_matches('/'))
        });
        if let Some(page) = page.as_ref().filter(|page| !page.is_file()) {
            return Err(format!("PM2_SERVE_SPA needs a page, and there is no {}", page.display()));
        }
        let (user, password) =
            (variable("PM2_SERVE_BASIC_AUTH_USERNAME"), variable("PM2_SERVE_BASIC_AUTH_PASSWORD"));
        let login = match (is_on("PM2_SERVE_BASIC_AUTH"), user, password) {
            (_, Some(user), Some(password)) => Some(Login::new(&user, &password)),
            (false, None, None) => None,
            // Never open to all by mistake.
            (_, _, _) => {
                return Err(
                    "a login needs both, PM2_SERVE_BASIC_AUTH_USERNAME and PM2_SERVE_BASIC_AUTH_PASSWORD"
                        .to_owned(),
                );
            }
        };
        let max_age = match variable("PM2_SERVE_MAX_AGE").as_deref().map(str::parse) {
            None => 0,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => return Err("PM2_SERVE_MAX_AGE is no number of seconds".to_owned()),
        };
        Ok(Site { root, host, port, page, login, max_age })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_a_site_and_nonsense_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("index.html"), "").unwrap();
        let path = dir.path().to_str().unwrap();
        let of = |variables: &[(&str, &str)]| {
            Site::of(|name| {
                let given =
                    variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
                given.or_else(|| (name == "PM2_SERVE_PATH").then(|| path.to_owned()))
            })
        };
        let site = of(&[]).unwrap();
        assert_eq!((site.port, site.host.to_string(), site.max_age), (8080, "0.0.0.0".to_owned(), 0));
        assert!(site.page.is_none() && site.login.is_none());
        assert_eq!(of(&[("PORT", "1"), ("PM2_SERVE_PORT", "2")]).unwrap().port, 2);
        assert_eq!(of(&[("PORT", "1")]).unwrap().port, 1);
        assert!(of(&[("PM2_SERVE_SPA", "true")]).unwrap().page.is_some());
        assert!(of(&[("PM2_SERVE_SPA", "false")]).unwrap().page.is_none());
        let refused = |variables: &[(&str, &str)], word: &str| {
            let why = of(variables).unwrap_err();
            assert!(why.contains(word), "{why}");
        };
        refused(&[("PM2_SERVE_PATH", "/nowhere")], "PM2_SERVE_PATH");
        refused(&[("PM2_SERVE_PORT", "x")], "PM2_SERVE_PORT");
        refused(&[("PORT", "0")], "PORT is no port: use a number from 1 to 65535");
        refused(&[("PM2_SERVE_HOST", "here")], "PM2_SERVE_HOST");
        refused(&[("PM2_SERVE_SPA", "true"), ("PM2_SERVE_HOMEPAGE", "/no.html")], "no.html");
        refused(&[("PM2_SERVE_BASIC_AUTH", "true")], "BASIC_AUTH");
        refused(&[("PM2_SERVE_BASIC_AUTH_USERNAME", "x")], "BASIC_AUTH_PASSWORD");
        refused(&[("PM2_SERVE_MAX_AGE", "long")], "PM2_SERVE_MAX_AGE");
    }
}
