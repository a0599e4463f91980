//! Restore points.

use std::time::Duration;

use reqwest::Method;

use super::routes::{MARGIN, escaped};
use super::{Client, ClientError};
use crate::wire::{RestorePoint, RestorePointList, Resurrected};

impl Client {
    /// `GET /restore-points`.
    pub async fn points(&self) -> Result<RestorePointList, ClientError> {
        self.get("/api/v1/restore-points").await
    }

    /// `PUT /restore-points/{name}`: everything as it is now. `force`: also an empty list.
    pub async fn save_point(&self, name: &str, force: bool) -> Result<RestorePoint, ClientError> {
        let path = format!("/api/v1/restore-points/{}?force={force}", escaped(name)?);
        Ok(self.json(Method::PUT, &path, |r| r).await?.1)
    }

    /// `POST /restore-points/{name}/resurrect`.
    pub async fn resurrect(&self, name: &str) -> Result<Resurrected, ClientError> {
        let path = format!("/api/v1/restore-points/{}/resurrect", escaped(name)?);
        Ok(self.json(Method::POST, &path, |r| r.timeout(Duration::from_secs(60) + MARGIN)).await?.1)
    }

    /// `DELETE /restore-points/{name}`.
    pub async fn delete_point(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/restore-points/{}", escaped(name)?);
        self.send(Method::DELETE, &path, |r| r).await?;
        Ok(())
    }
}
