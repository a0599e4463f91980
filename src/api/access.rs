//! Who is asking, and may they? The right is a type in the handler's signature.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Redirect, Response};

use super::arrival::Arrival;
use super::audit::Note;
use super::scope::{self, Viewer};
use super::{Api, ApiError, Shared, parameters};
use crate::auth::{Principal, Refused, Right, Via};
use crate::daemon::clock;
use crate::daemon::view::Snapshot;
use crate::model::Namespaces;

/// The cookie of browser sessions on plain HTTP.
pub const COOKIE: &str = "pmd_session";

/// ... and under TLS: browsers keep this one from every other host, port 80 and script.
const COOKIE_UNDER_TLS: &str = "__Host-pmd";

/// A right as a type.
pub trait Needs: Send + Sync + 'static {
    /// The right.
    const RIGHT: Right;
}

macro_rules! rights {
    ($($name:ident),+) => {
        $(
            /// Marker for the right of the same name.
            pub struct $name;
            impl Needs for $name {
                const RIGHT: Right = Right::$name;
            }
        )+
    };
}

rights!(View, LogsRead, LogsWrite, AppOperate, AppWrite, AppDelete, EnvRead, Admin);

/// The principal of a request, who has the right `N`. 401 without a principal, 403 without the
/// right, and then 400 for a parameter of the query that the route does not have.
pub struct Auth<N: Needs> {
    /// Who it is.
    pub principal: Principal,
    right: PhantomData<N>,
}

impl<N: Needs> FromRequestParts<Shared> for Auth<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Shared) -> Result<Self, ApiError> {
        let principal = recognise(parts, api)?;
        principal.must(N::RIGHT)?;
        parameters::only_described(parts)?;
        api.accounts().used(&principal, clock::unix_ms());
        Ok(Auth { principal, right: PhantomData })
    }
}

/// Whoever asks, if they come from where they may.
///
/// # Errors
/// 401 for nobody, 403 for a page of another origin.
pub fn recognise(parts: &Parts, api: &Api) -> Result<Principal, ApiError> {
    let principal = authenticate(parts, api)?;
    if let Some(note) = parts.extensions.get::<Note>() {
        note.by(&principal);
    }
    same_origin(parts, &principal)?;
    Ok(principal)
}

impl<N: Needs> Auth<N> {
    /// The picture of now, as they see it.
    pub fn snapshot(&self, api: &Api) -> Arc<Snapshot> {
        scope::snapshot(api, &self.principal)
    }

    /// Whoever looks for longer than an answer takes.
    pub fn viewer(&self, api: &Shared) -> Viewer {
        Viewer { api: api.clone(), principal: self.principal.clone() }
    }

    /// The namespaces that they see; absent: all.
    pub fn namespaces(&self) -> Option<Vec<String>> {
        some(&self.principal)
    }

    /// For what is of no namespace.
    ///
    /// # Errors
    /// 403 for who sees only some.
    pub fn must_see_all(&self) -> Result<(), ApiError> {
        match self.principal.namespaces {
            Namespaces::All => Ok(()),
            Namespaces::Only(_) => Err(everywhere_only(&self.principal)),
        }
    }
}

/// The namespaces that they see; absent: all.
fn some(principal: &Principal) -> Option<Vec<String>> {
    match principal.namespaces {
        Namespaces::All => None,
        Namespaces::Only(_) => Some(principal.namespaces.words()),
    }
}

fn everywhere_only(principal: &Principal) -> ApiError {
    let theirs = principal.namespaces.words().join(", ");
    let detail = format!(
        "this is about the whole installation, and {} is for {theirs} only: it needs a token for all namespaces",
        principal.subject
    );
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

impl Principal {
    /// For the rare route whose right depends on its body: 403 without it.
    ///
    /// # Errors
    /// The problem document.
    pub fn must(&self, right: Right) -> Result<(), ApiError> {
        if self.may(right) {
            return Ok(());
        }
        if self.role.may(right) {
            return Err(everywhere_only(self));
        }
        let needed = right.least_role();
        let detail = format!("the role {} may not do this: it needs a token of the role {needed}", self.role);
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

/// Like [`Auth`], for pages: who is not logged in is sent to the login page.
pub struct PageAuth<N: Needs> {
    /// Who it is.
    pub principal: Principal,
    right: PhantomData<N>,
}

impl<N: Needs> PageAuth<N> {
    /// The same principal for a handler of the API, if they have the right that it needs.
    ///
    /// # Errors
    /// 403 without it.
    pub fn with<M: Needs>(&self) -> Result<Auth<M>, ApiError> {
        self.principal.must(M::RIGHT)?;
        Ok(Auth { principal: self.principal.clone(), right: PhantomData })
    }

    /// The namespaces that they see; absent: all.
    pub fn namespaces(&self) -> Option<Vec<String>> {
        some(&self.principal)
    }

    /// The picture of now, as they see it.
    pub fn snapshot(&self, api: &Api) -> Arc<Snapshot> {
        scope::snapshot(api, &self.principal)
    }
}

impl<N: Needs> FromRequestParts<Shared> for PageAuth<N> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Shared) -> Result<Self, Response> {
        match Auth::<N>::from_request_parts(parts, api).await {
            Ok(auth) => Ok(PageAuth { principal: auth.principal, right: PhantomData }),
            Err(error) if error.status == StatusCode::UNAUTHORIZED && wants_html(&parts.headers) => {
                let back = if parts.method == Method::GET { parts.uri.path() } else { "/" };
                Err(Redirect::to(&format!("/login?next={}", back.replace('&', "%26"))).into_response())
            }
            Err(error) => Err(error.into_response()),
        }
    }
}

/// Does the client show pages?
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn authenticate(parts: &Parts, api: &Api) -> Result<Principal, ApiError> {
    let now = clock::unix_ms();
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let (scheme, token) =
            value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or(Refused::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refused::Malformed.into());
        }
        return Ok(api.accounts().verify_token(token.trim(), now)?);
    }
    // A cookie is not looked at where nobody has to log in: an old one must not lock anybody out.
    if let Some(Arrival::Tcp { bound, .. }) = parts.extensions.get::<Arrival>()
        && api.listeners.is_unguarded(*bound)
    {
        return Ok(Principal::without_credential(*bound));
    }
    let origin = own_origin(parts);
    let name = cookie_name(origin.as_deref());
    let Some(session) = cookie(&parts.headers, name) else { return Err(Refused::Missing.into()) };
    Ok(api.accounts().verify_session(session, origin.as_deref(), now)?)
}

/// The name of the cookie for pages of that origin of ours.
pub fn cookie_name(origin: Option<&str>) -> &'static str {
    if is_secure(origin) { COOKIE_UNDER_TLS } else { COOKIE }
}

/// The whole header for that session, which ends with the browser or, empty, at once.
pub fn set_cookie(origin: &str, session: &str) -> String {
    let secure = if is_secure(Some(origin)) { "; Secure" } else { "" };
    let over = if session.is_empty() { "; Max-Age=0" } else { "" };
    let name = cookie_name(Some(origin));
    format!("{name}={session}{secure}; HttpOnly; SameSite=Strict; Path=/{over}")
}

fn is_secure(origin: Option<&str>) -> bool {
    origin.is_some_and(|origin| origin.starts_with("https:"))
}

/// The session id that the browser sent.
pub fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

/// The origin under which the browser reached us. The Host was checked before ([`super::guard`]).
pub fn own_origin(parts: &Parts) -> Option<String> {
    match parts.extensions.get::<Arrival>() {
        Some(Arrival::Tcp { tls, .. }) => {
            let host = parts.headers.get(header::HOST)?.to_str().ok()?;
            let scheme = if *tls { "https" } else { "http" };
            Some(format!("{scheme}://{}", host.to_ascii_lowercase()))
        }
        Some(Arrival::Unix) | None => None,
    }
}

/// A browser sends its cookie along with requests that pages of others made it send, and reaches an
/// open address for them. So whatever changes something, and every WebSocket, must come from a page
/// of ours (web.md 4.3, rows 4, 6, 49). A bearer token is not sent by itself.
fn same_origin(parts: &Parts, principal: &Principal) -> Result<(), ApiError> {
    let text = |name| parts.headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let origin = parts.headers.contains_key(header::ORIGIN);
    let origin_is_ours = || {
        text(header::ORIGIN)
            .is_some_and(|origin| own_origin(parts).is_some_and(|own| own.eq_ignore_ascii_case(origin)))
    };
    let upgrade = parts.headers.contains_key(header::UPGRADE);
    let reads = is_safe(&parts.method) && !upgrade;
    let site = header::HeaderName::from_static("sec-fetch-site");
    let has_site = parts.headers.contains_key(&site);
    let site = text(site);
    let ours = match principal.via {
        Via::Token { .. } => true,
        Via::Session { .. } => match site {
            _ if reads => true,
            Some(site) if !upgrade => site == "same-origin",
            Some(_) | None => origin_is_ours(),
        },
        // Who sends neither is not a browser.
        Via::Open { .. } => {
            let site_is_ours = !has_site || site == Some("same-origin") || (site == Some("none") && reads);
            site_is_ours && (!origin || origin_is_ours())
        }
    };
    if ours { Ok(()) } else { Err(foreign_origin()) }
}

fn foreign_origin() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "this request came from a page of another origin: use the dashboard itself, or a bearer token",
    )
}

/// That a form which needs no credential was sent by a page of ours, or by what is no browser.
///
/// # Errors
/// 403 when it was sent by a page of others.
pub fn from_our_page(parts: &Parts) -> Result<(), ApiError> {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_own = |origin: &str| own_origin(parts).is_some_and(|own| own.eq_ignore_ascii_case(origin));
    let ours = match text("sec-fetch-site") {
        // Our pages tell nobody where they come from, so their forms have the origin `null`.
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text("origin").is_none_or(is_own),
    };
    if ours { Ok(()) } else { Err(foreign_origin()) }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
