//! Cursors of lists: where the next page begins. Opaque to clients, and good for one list only.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let at = text.as_deref().and_then(|text| text.strip_prefix(list)?.strip_prefix(' ')?.parse().ok());
    at.ok_or_else(|| {
        let detail = "cursor is none that this list has given: leave it out to begin at the beginning";
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail)
    })
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
    fn a_limit_is_between_1_and_1000() {
        assert_eq!((limit(None, 100).unwrap(), limit(Some(1000), 100).unwrap()), (100, 1000));
        for wrong in [0, -1, 1001, i64::MAX] {
            assert_eq!(limit(Some(wrong), 100).unwrap_err().status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    }
}
