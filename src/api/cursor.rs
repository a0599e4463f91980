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
    fn a_limit_is_between_1_and_1000() {
        assert_eq!((limit(None, 100).unwrap(), limit(Some(1000), 100).unwrap()), (100, 1000));
        for wrong in [0, -1, 1001, i64::MAX] {
            assert_eq!(limit(Some(wrong), 100).unwrap_err().status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    }
}
