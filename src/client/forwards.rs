//! One method per route about forwards.

use std::time::Duration;

use reqwest::Method;

use super::routes::escaped;
use super::{Client, ClientError};
use crate::wire::{Forward, ForwardList, NewForward};

/// What a receiver may take to answer a test, and more.
const TEST: Duration = Duration::from_secs(45);

impl Client {
    /// `GET /forwards`.
    pub async fn forwards(&self) -> Result<ForwardList, ClientError> {
        Ok(self.json(Method::GET, "/api/v1/forwards", |r| r).await?.1)
    }

    /// `POST /forwards`.
    pub async fn add_forward(&self, new: &NewForward) -> Result<Forward, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/forwards", |r| r.json(new)).await?.1)
    }

    /// `DELETE /forwards/{name}`.
    pub async fn remove_forward(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/forwards/{}", escaped(name)?);
        self.send(Method::DELETE, &path, |r| r).await?;
        Ok(())
    }

    /// `POST /forwards/{name}/test`.
    pub async fn test_forward(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/forwards/{}/test", escaped(name)?);
        self.send(Method::POST, &path, |r| r.timeout(TEST)).await?;
        Ok(())
    }
}
