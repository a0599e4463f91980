//! The parameters by which lists of apps and processes are looked through, ordered and made narrower.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::{IntoParams, PartialSchema};

use super::ApiError;
use super::cursor::{self, Key};
use crate::dashboard;
use crate::wire;

/// What of a list somebody wants to see.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Shape {
    /// Only processes of which each of these words is found in the name, namespace, status, id, health or
    /// reason, in capital letters or not. `!word`: is not found.
    #[param(nullable = false, example = "web !online")]
    q: Option<String>,
    /// Of the members that need not be there only these, with commas between them. Those that are always
    /// there stay.
    #[param(nullable = false)]
    fields: Option<String>,
    /// True: also how many there are on all pages together, as `total`.
    #[param(nullable = false)]
    count: Option<bool>,
}

impl Shape {
    /// Whether the words are found in it.
    pub fn fits(&self, process: &wire::Process) -> bool {
        self.q.as_deref().is_none_or(|words| dashboard::matches(process, words))
    }

    /// Whether only some are looked for.
    pub fn has_words(&self) -> bool {
        self.q.is_some()
    }

    /// So many, if that is asked for.
    pub fn total(&self, count: impl FnOnce() -> usize) -> Option<i64> {
        (self.count == Some(true)).then(|| count() as i64)
    }

    /// The answer: a list of `T` with the members that are asked for.
    ///
    /// # Errors
    /// 400 for a member that there is not.
    pub fn answer<T: PartialSchema>(&self, list: &impl Serialize) -> Result<Response, ApiError> {
        let Some(fields) = &self.fields else { return Ok(Json(list).into_response()) };
        let mut list = serde_json::to_value(list).map_err(|e| ApiError::internal(&e))?;
        let RefOr::T(Schema::Object(Object { properties, required, .. })) = T::schema() else {
            return Err(ApiError::internal(&"what is listed is no object"));
        };
        let wanted: Vec<&str> = fields.split(',').collect();
        if let Some(unknown) = wanted.iter().find(|field| !properties.contains_key(**field)) {
            let all = properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let detail = format!("fields: {unknown:?} is no member of what is listed: use some of {all}");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail));
        }
        for item in list["items"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            item.retain(|name, _| required.contains(name) || wanted.contains(&name.as_str()));
        }
        Ok(Json(list).into_response())
    }
}

/// By what a list can be ordered: the words, and where the value of an item is found.
pub type Keys<T> = [(&'static str, fn(&T) -> Key)];

/// An order of a list: `name`, or `-name` for the other way round.
pub struct Order<T> {
    word: String,
    down: bool,
    key: fn(&T) -> Key,
}

impl<T> Order<T> {
    /// What `sort` says.
    ///
    /// # Errors
    /// 400 for a word that is none of them.
    pub fn parse(sort: &str, keys: &Keys<T>) -> Result<Order<T>, ApiError> {
        let (down, word) = sort.strip_prefix('-').map_or((false, sort), |word| (true, word));
        match keys.iter().find(|(name, _)| *name == word) {
            Some((_, key)) => Ok(Order { word: sort.to_owned(), down, key: *key }),
            None => {
                let all = keys.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                let detail =
                    format!("sort is {sort:?}: use one of {all}, with - before it for the other way round");
                Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail))
            }
        }
    }

    /// A page of `items`, each with its id, in this order.
    ///
    /// # Errors
    /// 400 for a limit or cursor that is none.
    pub fn page(
        &self,
        list: &str,
        items: Vec<(u64, T)>,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let keyed = items.into_iter().map(|(id, item)| ((self.key)(&item), id, item)).collect();
        cursor::page_in_order(list, &self.word, self.down, keyed, limit, cursor)
    }
}
