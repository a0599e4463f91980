//! One method per route that tells programs something, or changes a part of what defines them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value};

use super::routes::{MARGIN, escaped};
use super::{Client, ClientError};
use crate::wire::{
    App, EnvOrder, Environment, InputOrder, MessageOrder, Outcome, Then, TriggerOrder, Triggered, Variables,
    VariablesPatch,
};

/// A program may take ten seconds to reply.
const REPLYING: Duration = Duration::from_secs(25);

impl Client {
    /// `POST /apps/{ref}/stdin`: answers with the processes that took the line.
    pub async fn send_line(&self, reference: &str, line: &str) -> Result<Outcome, ClientError> {
        let order = InputOrder { line: line.to_owned() };
        let path = format!("/api/v1/apps/{}/stdin", escaped(reference)?);
        Ok(self.json(Method::POST, &path, |r| r.json(&order)).await?.1)
    }

    /// `POST /apps/{ref}/message`: answers with the processes that took it.
    pub async fn send_message(&self, reference: &str, order: &MessageOrder) -> Result<Outcome, ClientError> {
        let path = format!("/api/v1/apps/{}/message", escaped(reference)?);
        Ok(self.json(Method::POST, &path, |r| r.json(order)).await?.1)
    }

    /// `PATCH /apps/{ref}`: other members of a definition; waits for what follows.
    pub async fn patch_app(
        &self,
        reference: &str,
        patch: &Map<String, Value>,
        then: Then,
        wait: Duration,
    ) -> Result<App, ClientError> {
        let (reference, seconds) = (escaped(reference)?, wait.as_secs());
        let path = format!("/api/v1/apps/{reference}?then={}&wait={seconds}s", then.as_str());
        Ok(self.json(Method::PATCH, &path, |r| r.timeout(wait + MARGIN).json(patch)).await?.1)
    }

    /// `POST /apps/{ref}/env`: other variables; waits for what follows.
    pub async fn change_env(
        &self,
        reference: &str,
        order: &EnvOrder,
        wait: Duration,
    ) -> Result<App, ClientError> {
        let path = format!("/api/v1/apps/{}/env?wait={}s", escaped(reference)?, wait.as_secs());
        Ok(self.json(Method::POST, &path, |r| r.timeout(wait + MARGIN).json(order)).await?.1)
    }

    /// `GET /apps/{ref}/env`: the variables that the app declares, masked, and where each is from.
    pub async fn variables(&self, reference: &str) -> Result<Variables, ClientError> {
        self.get(&format!("/api/v1/apps/{}/env", escaped(reference)?)).await
    }

    /// `PATCH /apps/{ref}/env`: other variables, from the next run on.
    pub async fn patch_variables(
        &self,
        reference: &str,
        patch: &VariablesPatch,
    ) -> Result<Variables, ClientError> {
        let path = format!("/api/v1/apps/{}/env", escaped(reference)?);
        Ok(self.json(Method::PATCH, &path, |r| r.json(patch)).await?.1)
    }

    /// `POST /apps/{ref}/env/reveal`: every variable, with its value.
    pub async fn reveal_env(&self, reference: &str) -> Result<Environment, ClientError> {
        let path = format!("/api/v1/apps/{}/env/reveal", escaped(reference)?);
        Ok(self.json(Method::POST, &path, |r| r).await?.1)
    }

    /// `POST /apps/{ref}/trigger`: answers with the replies.
    pub async fn trigger(&self, reference: &str, order: &TriggerOrder) -> Result<Triggered, ClientError> {
        let path = format!("/api/v1/apps/{}/trigger", escaped(reference)?);
        Ok(self.json(Method::POST, &path, |r| r.timeout(REPLYING).json(order)).await?.1)
    }
}
