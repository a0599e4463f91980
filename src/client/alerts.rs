//! One method per route about alerts.

use std::time::Duration;

use reqwest::Method;

use super::routes::escaped;
use super::{Client, ClientError};
use crate::wire::{
    AlertChannel, AlertChannelList, AlertList, AlertRule, AlertRuleList, NewAlertChannel, NewAlertRule,
};

/// What a receiver may take to answer a test, and more.
const TEST: Duration = Duration::from_secs(45);

impl Client {
    /// `GET /alerts`.
    pub async fn alerts(&self) -> Result<AlertList, ClientError> {
        self.get("/api/v1/alerts").await
    }

    /// `GET /alerts/rules`.
    pub async fn alert_rules(&self) -> Result<AlertRuleList, ClientError> {
        self.get("/api/v1/alerts/rules").await
    }

    /// `GET /alerts/rules/{name}`.
    pub async fn alert_rule(&self, name: &str) -> Result<AlertRule, ClientError> {
        self.get(&rule(name)?).await
    }

    /// `POST /alerts/rules`.
    pub async fn add_alert_rule(&self, new: &NewAlertRule) -> Result<AlertRule, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/alerts/rules", |r| r.json(new)).await?.1)
    }

    /// `PUT /alerts/rules/{name}`.
    pub async fn replace_alert_rule(&self, new: &NewAlertRule) -> Result<AlertRule, ClientError> {
        Ok(self.json(Method::PUT, &rule(&new.name)?, |r| r.json(new)).await?.1)
    }

    /// `DELETE /alerts/rules/{name}`.
    pub async fn remove_alert_rule(&self, name: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &rule(name)?, |r| r).await?;
        Ok(())
    }

    /// `GET /alerts/channels`.
    pub async fn alert_channels(&self) -> Result<AlertChannelList, ClientError> {
        self.get("/api/v1/alerts/channels").await
    }

    /// `GET /alerts/channels/{name}`.
    pub async fn alert_channel(&self, name: &str) -> Result<AlertChannel, ClientError> {
        self.get(&channel(name)?).await
    }

    /// `POST /alerts/channels`.
    pub async fn add_alert_channel(&self, new: &NewAlertChannel) -> Result<AlertChannel, ClientError> {
        Ok(self.json(Method::POST, "/api/v1/alerts/channels", |r| r.json(new)).await?.1)
    }

    /// `PUT /alerts/channels/{name}`.
    pub async fn replace_alert_channel(&self, new: &NewAlertChannel) -> Result<AlertChannel, ClientError> {
        Ok(self.json(Method::PUT, &channel(&new.name)?, |r| r.json(new)).await?.1)
    }

    /// `DELETE /alerts/channels/{name}`.
    pub async fn remove_alert_channel(&self, name: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &channel(name)?, |r| r).await?;
        Ok(())
    }

    /// `POST /alerts/channels/{name}/test`.
    pub async fn test_alert_channel(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("{}/test", channel(name)?);
        self.send(Method::POST, &path, |r| r.timeout(TEST)).await?;
        Ok(())
    }
}

fn rule(name: &str) -> Result<String, ClientError> {
    Ok(format!("/api/v1/alerts/rules/{}", escaped(name)?))
}

fn channel(name: &str) -> Result<String, ClientError> {
    Ok(format!("/api/v1/alerts/channels/{}", escaped(name)?))
}
