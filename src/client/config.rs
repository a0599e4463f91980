//! Settings of pmdaemon itself.

use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};

use super::{Client, ClientError};
use crate::wire::{Config, ConfigOrder, ConfigReloaded};

const PATH: &str = "/api/v1/system/config";

impl Client {
    /// `GET /system/config`, and its tag.
    pub async fn config(&self) -> Result<(Config, String), ClientError> {
        let response = self.send(Method::GET, PATH, |r| r).await?;
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or("*").to_owned();
        let lost = |e| ClientError::from_reqwest(&format!("GET {PATH}"), self.place.clone(), e);
        Ok((response.json().await.map_err(lost)?, tag))
    }

    /// `PUT /system/config`, if it still has that tag.
    pub async fn set_config(&self, order: &ConfigOrder, tag: &str) -> Result<Config, ClientError> {
        Ok(self.json(Method::PUT, PATH, |r| r.header(IF_MATCH, tag).json(order)).await?.1)
    }

    /// `POST /system/reload`.
    pub async fn reload_system(&self) -> Result<ConfigReloaded, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/system/reload", |r| r).await?.1)
    }
}
