//! Cursors of lists: where the next page begins. Opaque to clients, and good for one list only.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::ApiError;

/// The most items of a page.
pub const MOST: i64 = 1_000;

/// The cursor of `list` that stands for `at`.
pub fn encode(list: &str, at: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list} {at}"))
}

/// What a cursor of `list` stands for.
///
/// # Errors
/// 400 when it is none, or one of another list.
pub fn decode(list: &str, cursor: &str) -> Result<u64, ApiError> {
    said(list, cursor).and_then(|text| text.parse().ok()).ok_or_else(not_given)
}

/// What stands behind the name of `list` in a cursor of it.
fn said(list: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix(list)?.strip_prefix(' ').map(str::to_owned)
}

fn not_given() -> ApiError {
    let detail =
        "cursor is none that this list has given in this order: leave it out to begin at the beginning";
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail)
}

/// 400: a cursor says where to begin, and so does that parameter.
pub fn not_both(parameter: &str) -> ApiError {
    ApiError::conflicting(format!("cursor and {parameter} both say where to begin: leave one of them out"))
}

/// A page of what is in memory, by id: what follows `cursor`, at most `limit` items, all without one.
/// And the cursor of the next page, if there is one.
///
/// # Errors
/// 400 for a limit or cursor that is none.
pub fn page<T>(
    list: &str,
    items: impl Iterator<Item = (u64, T)>,
    limit_of: Option<i64>,
    cursor: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = cursor.map(|text| decode(list, text)).transpose()?;
    let most = limit_of.map_or(Ok(usize::MAX), |number| limit(Some(number), number))?;
    let mut rest = items.filter(|(id, _)| after.is_none_or(|after| *id > after));
    let page: Vec<(u64, T)> = rest.by_ref().take(most).collect();
    let next = page.last().filter(|_| rest.next().is_some()).map(|(id, _)| encode(list, *id));
    Ok((page.into_iter().map(|(_, item)| item).collect(), next))
}

/// By what an item has its place in an order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// A figure as a key.
pub fn thousandths(figure: f64) -> i64 {
    (figure * 1000.0) as i64
}

/// A page of what is in memory, by that key and then by id. The cursor is a place in that order, so it
/// is good for as long as there is such an order, whatever comes and goes meanwhile.
///
/// # Errors
/// 400 for a limit that is none, or a cursor that is none of this list in this order.
pub fn page_in_order<T>(
    list: &str,
    order: &str,
    down: bool,
    mut items: Vec<(Key, u64, T)>,
    limit_of: Option<i64>,
    cursor: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = cursor.map(|text| place_in_order(list, order, text)).transpose()?;
    let most = limit_of.map_or(Ok(usize::MAX), |number| limit(Some(number), number))?;
    let compare = |one: (&Key, u64), other: (&Key, u64)| {
        let keys = one.0.cmp(other.0);
        (if down { keys.reverse() } else { keys }).then(one.1.cmp(&other.1))
    };
    if let Some((key, id)) = &after {
        items.retain(|(of, at, _)| compare((of, *at), (key, *id)).is_gt());
    }
    items.sort_by(|(one, at, _), (other, by, _)| compare((one, *at), (other, *by)));
    let more = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| more).map(|(key, id, _)| {
        let place = serde_json::to_string(&(order, key, id)).expect("it is plain data");
        URL_SAFE_NO_PAD.encode(format!("{list} {place}"))
    });
    Ok((items.into_iter().map(|(.., item)| item).collect(), next))
}

fn place_in_order(list: &str, order: &str, cursor: &str) -> Result<(Key, u64), ApiError> {
    let place = said(list, cursor).and_then(|text| serde_json::from_str::<(String, Key, u64)>(&text).ok());
    let place = place.filter(|(of, ..)| of == order);
    place.map(|(_, key, id)| (key, id)).ok_or_else(not_given)
}

/// The largest number of an event or record that a program in any language can write.
const LARGEST: u64 = (1 << 53) - 1;

/// The place that `parameter` names by a number.
///
/// # Errors
/// 400 when there is no such number.
pub fn place(parameter: &str, seq: Option<u64>) -> Result<Option<u64>, ApiError> {
    match seq {
        Some(seq) if seq > LARGEST => {
            let detail = format!("{parameter} is {seq}: 0 to {LARGEST} is allowed");
            Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail))
        }
        Some(_) | None => Ok(seq),
    }
}

/// How many items somebody wants.
///
/// # Errors
/// 400 when that is none, or too many.
pub fn limit(limit: Option<i64>, usual: i64) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(usual);
    match (1..=MOST).contains(&limit) {
        true => Ok(limit as usize),
        false => {
            let detail = format!("limit is {limit}: 1 to {MOST} is allowed");
            Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_list_alone() {
        for at in [0, 7, u64::MAX] {
            assert_eq!(decode("apps", &encode("apps", at)).unwrap(), at);
        }
        let bad = ["", "7", "YXBwcyA", "YXBwcyAtMQ", "YXBwcyAx=", "\u{fc}", &encode("processes", 7)];
        for cursor in bad {
            let refused = decode("apps", cursor).unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.code), (400, "invalid_cursor"), "{cursor:?}");
        }
    }

    #[test]
    fn pages_are_the_whole_list_and_nothing_twice() {
        let all = || (0..7_u64).map(|id| (id * 3, id));
        assert_eq!(page("x", all(), None, None).unwrap(), ((0..7).collect(), None));
        for size in 1..9 {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let (items, next) = page("x", all(), Some(size), cursor.as_deref()).unwrap();
                assert!(items.len() as i64 <= size && !items.is_empty());
                seen.extend(items);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..7).collect::<Vec<_>>(), "{size} at a time");
        }
        assert!(page("x", all(), Some(0), None).is_err());
    }

    #[test]
    fn pages_in_an_order_are_the_whole_list_and_nothing_twice() {
        let key = |id: u64| if id.is_multiple_of(2) { Key::Number(-1) } else { Key::Number(10 - id as i64) };
        let all = || (0..7_u64).map(|id| (key(id), id, id)).collect::<Vec<_>>();
        for (down, expected) in [(false, [0, 2, 4, 6, 5, 3, 1]), (true, [1, 3, 5, 0, 2, 4, 6])] {
            for size in 1..9 {
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let (items, next) =
                        page_in_order("x", "key", down, all(), Some(size), cursor.as_deref()).unwrap();
                    seen.extend(items);
                    cursor = next;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{size} at a time, down: {down}");
            }
        }
        let (_, next) = page_in_order("x", "key", false, all(), Some(2), None).unwrap();
        // The place is known without the item that was there.
        let rest: Vec<_> = all().into_iter().filter(|(_, id, _)| *id != 2).collect();
        let (items, _) = page_in_order("x", "key", false, rest, None, next.as_deref()).unwrap();
        assert_eq!(items, [4, 6, 5, 3, 1]);
        for (list, order) in [("y", "key"), ("x", "-key")] {
            assert!(page_in_order(list, order, false, all(), None, next.as_deref()).is_err());
        }
        assert!(page("x", [(1, 1)].into_iter(), None, next.as_deref()).is_err());
        assert!(page_in_order("x", "key", false, all(), None, Some(&encode("x", 1))).is_err());
    }

    #[test]
    fn a_limit_is_between_1_and_1000() {
        assert_eq!((limit(None, 100).unwrap(), limit(Some(1000), 100).unwrap()), (100, 1000));
        for wrong in [0, -1, 1001, i64::MAX] {
            assert_eq!(limit(Some(wrong), 100).unwrap_err().status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    }
}
