//! What is about the daemon and its host: addresses, upgrade, end.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};

use super::routes::FOREVER;
use super::{Client, ClientError, RequestStream};
use crate::wire::{Lent, Listener, System, UpgradeBegun, UpgradeOrder};

/// What a new program may take for its self-check, and more.
const SELF_CHECK: Duration = Duration::from_secs(60);

impl Client {
    /// `GET /system`.
    pub async fn system(&self) -> Result<System, ClientError> {
        self.get("/api/v1/system").await
    }

    /// `POST /system/listeners`: answers on that address too. Returns the real one, and whether it
    /// is new.
    pub async fn add_listener(&self, listener: &Listener) -> Result<(Listener, bool), ClientError> {
        let (status, real) =
            self.json(Method::POST, "/api/v1/system/listeners", |r| r.json(listener)).await?;
        Ok((real, status == StatusCode::CREATED))
    }

    /// `POST /system/listeners/temporary`: answers on that address too, until the stream is dropped.
    pub async fn lend_listener(&self, listener: &Listener) -> Result<(Lent, RequestStream), ClientError> {
        let path = "/api/v1/system/listeners/temporary";
        let response = self.send(Method::POST, path, |r| r.timeout(FOREVER).json(listener)).await?;
        RequestStream::open(response, self.place.clone()).await
    }

    /// `DELETE /system/listeners/{host}/{port}`.
    pub async fn remove_listener(&self, listener: &Listener) -> Result<(), ClientError> {
        let path = format!("/api/v1/system/listeners/{}/{}", listener.host, listener.port);
        self.send(Method::DELETE, &path, |r| r).await?;
        Ok(())
    }

    /// `POST /system/shutdown`: all services stop and stay stopped, then keeper and daemon end.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        self.send(Method::POST, "/api/v1/system/shutdown", |r| r).await?;
        Ok(())
    }

    /// `POST /system/upgrade`: another program takes over once it has passed its self-check.
    pub async fn upgrade(&self, binary: &str) -> Result<UpgradeBegun, ClientError> {
        let order = UpgradeOrder { binary: binary.to_owned() };
        let fill = |r: RequestBuilder| r.json(&order).timeout(SELF_CHECK);
        let (_, begun) = self.json(Method::POST, "/api/v1/system/upgrade", fill).await?;
        Ok(begun)
    }
}
