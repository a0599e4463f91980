//! Secrets of apps.

use reqwest::Method;

use super::routes::percent_encoded;
use super::{Client, ClientError};
use crate::wire::{NewSecret, SecretList};

impl Client {
    /// `GET /secrets`.
    pub async fn secrets(&self) -> Result<SecretList, ClientError> {
        self.get("/api/v1/secrets").await
    }

    /// `PUT /secrets/{namespace}/{name}`.
    pub async fn set_secret(&self, namespace: &str, name: &str, value: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/secrets/{}/{}", percent_encoded(namespace), percent_encoded(name));
        let secret = NewSecret { value: value.to_owned() };
        self.send(Method::PUT, &path, |r| r.json(&secret)).await?;
        Ok(())
    }

    /// `DELETE /secrets/{namespace}/{name}`.
    pub async fn remove_secret(&self, namespace: &str, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/secrets/{}/{}", percent_encoded(namespace), percent_encoded(name));
        self.send(Method::DELETE, &path, |r| r).await?;
        Ok(())
    }
}
