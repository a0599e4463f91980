//! Lists that are short as a rule and whole without a parameter: in pages, and counted, for who asks.

use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::cursor::{self, Key};
use crate::wire::More;

/// Which part of a list somebody wants.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most so many. Without it: all.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// Go on where a page has ended: its `next_cursor`.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// True: also how many there are on all pages together, as `total`.
    #[param(nullable = false)]
    count: Option<bool>,
}

/// That part.
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, and how many there are.
    pub more: More,
}

impl Paging {
    /// A page of `items` in the order of their keys, no two of which are the same.
    ///
    /// # Errors
    /// 400 for a limit that is none, or a cursor that is none of this list.
    pub fn page<T>(&self, list: &str, items: Vec<T>, key: impl Fn(&T) -> Key) -> Result<Page<T>, ApiError> {
        let total = (self.count == Some(true)).then_some(items.len() as i64);
        let keyed = items.into_iter().map(|item| (key(&item), 0, item)).collect();
        let (items, next_cursor) =
            cursor::page_in_order(list, "", false, keyed, self.limit, self.cursor.as_deref())?;
        Ok(Page { items, more: More { next_cursor, total } })
    }
}
