//! One method per route about who may do what.

use reqwest::Method;

use super::routes::escaped;
use super::{Client, ClientError};
use crate::wire::{MadeToken, NewToken, TokenList};

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
}
