//! One method per route about who may do what.

use std::time::Duration;

use reqwest::Method;

use super::routes::{escaped, percent_encoded};
use super::{Client, ClientError};
use crate::wire::{
    AuditList, AuditVerdict, LoggedIn, Login, MadeToken, NewPassword, NewToken, NewUser, SessionList,
    TokenList, User, UserGrant, UserList,
};

/// A hundred thousand records are read.
const VERIFYING: Duration = Duration::from_secs(120);

impl Client {
    /// `GET /tokens`.
    pub async fn tokens(&self) -> Result<TokenList, ClientError> {
        Ok(self.json(Method::GET, "/api/v1/tokens", |r| r).await?.1)
    }

    /// `POST /tokens`: the answer has the token itself.
    pub async fn create_token(&self, token: &NewToken) -> Result<MadeToken, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/tokens", |r| r.json(token)).await?.1)
    }

    /// `DELETE /tokens/{id}`, by id or name.
    pub async fn revoke_token(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/tokens/{}", escaped(id)?);
        self.send(Method::DELETE, &path, |r| r).await.map(drop)
    }

    /// `POST /auth/login`: name and password for a token. Needs none.
    pub async fn log_in(&self, login: &Login) -> Result<LoggedIn, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/auth/login", |r| r.json(login)).await?.1)
    }

    /// `POST /auth/logout`: the token of this client is void.
    pub async fn log_out(&self) -> Result<(), ClientError> {
        self.send(Method::POST, "/api/v1/auth/logout", |r| r).await.map(drop)
    }

    /// `GET /audit`: the newest records before `before`, oldest first.
    pub async fn audit(
        &self,
        since: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditList, ClientError> {
        let since = since.map(|since| format!("&since={}", percent_encoded(since))).unwrap_or_default();
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let path = format!("/api/v1/audit?limit={limit}{since}{before}");
        Ok(self.json(Method::GET, &path, |r| r).await?.1)
    }

    /// `GET /audit/verdict`.
    pub async fn audit_verdict(&self) -> Result<AuditVerdict, ClientError> {
        let path = "/api/v1/audit/verdict";
        Ok(self.json(Method::GET, path, |r| r.timeout(VERIFYING)).await?.1)
    }

    /// `GET /users`.
    pub async fn users(&self) -> Result<UserList, ClientError> {
        Ok(self.json(Method::GET, "/api/v1/users", |r| r).await?.1)
    }

    /// `POST /users`.
    pub async fn add_user(&self, user: &NewUser) -> Result<User, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/users", |r| r.json(user)).await?.1)
    }

    /// `PUT /users/{name}/password`.
    pub async fn set_password(&self, name: &str, password: &NewPassword) -> Result<(), ClientError> {
        let path = format!("/api/v1/users/{}/password", escaped(name)?);
        self.send(Method::PUT, &path, |r| r.json(password)).await.map(drop)
    }

    /// `PUT /users/{name}/grant`.
    pub async fn grant_user(&self, name: &str, grant: &UserGrant) -> Result<User, ClientError> {
        let path = format!("/api/v1/users/{}/grant", escaped(name)?);
        Ok(self.json(Method::PUT, &path, |r| r.json(grant)).await?.1)
    }

    /// `DELETE /users/{name}`.
    pub async fn remove_user(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/users/{}", escaped(name)?);
        self.send(Method::DELETE, &path, |r| r).await.map(drop)
    }

    /// `GET /sessions`.
    pub async fn sessions(&self) -> Result<SessionList, ClientError> {
        Ok(self.json(Method::GET, "/api/v1/sessions", |r| r).await?.1)
    }

    /// `DELETE /sessions/{id}`.
    pub async fn end_session(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/sessions/{}", escaped(id)?);
        self.send(Method::DELETE, &path, |r| r).await.map(drop)
    }
}
