//! What programs tell of themselves, and what they are told.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A figure that a program measures itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CustomMetric {
    /// What it is of.
    #[schema(example = "Requests")]
    pub name: String,
    /// Its value as text.
    #[schema(example = "12.5")]
    pub value: String,
    /// Its value, if it is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub number: Option<f64>,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "req/min")]
    pub unit: Option<String>,
}

/// What a program is to do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerOrder {
    /// The name of the action, as the program offers it.
    #[schema(example = "clear cache")]
    pub action: String,
    /// What it is told with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub param: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Triggered {
    /// One for each process that was asked.
    pub items: Vec<ActionReply>,
}

/// What one process answered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ActionReply {
    /// The process.
    pub id: i64,
    /// Its display name.
    pub name: String,
    /// It answered in time.
    pub answered: bool,
    /// Its answer, any JSON.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub reply: Value,
    /// Why it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
}

/// A message for programs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageOrder {
    /// Any JSON, as the program is to get it; at most 16 KiB. PM2's is `{"type":…,"topic":…,"data":…}`.
    #[schema(value_type = Object)]
    pub message: Value,
}

/// A line for the standard input of programs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InputOrder {
    /// The line, without its end; at most 4095 bytes.
    pub line: String,
}
