//! The trace that a request belongs to, as its sender says by `traceparent` (W3C Trace Context): told in
//! the daemon's own log, so that both are found by one number.
//!
//! What is absent: spans of our own, and a sender of them. pmdaemon asks nobody on behalf of a request,
//! and the balancer passes the header on as it is.

use axum::http::HeaderMap;

/// The id of the trace. `None` without a header, or with one that the standard has a receiver ignore.
pub fn id(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all("traceparent").iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    let text = header.to_str().ok()?;
    let mut parts = text.splitn(5, '-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_known = match version {
        "00" => parts.next().is_none(),
        // A later one may say more behind that.
        other => is_hex(other, 2) && other != "ff",
    };
    let is_complete = is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    let names_something = trace.contains(|c| c != '0') && parent.contains(|c| c != '0');
    (is_known && is_complete && names_something).then_some(trace)
}

/// Capital letters are not allowed.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_trace_is_named_as_the_standard_says_and_nothing_else_is_believed() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let check = |value: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(value).unwrap());
            assert_eq!(id(&headers), expected, "{value}");
        };
        check(&format!("00-{TRACE}-00f067aa0ba902b7-01"), Some(TRACE));
        check(&format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later"), Some(TRACE));
        check(&format!("cc-{TRACE}-00f067aa0ba902b7-01"), Some(TRACE));
        for wrong in [
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}1-00f067aa0ba902b7-01"),
            format!("0-{TRACE}-00f067aa0ba902b7-01"),
            String::new(),
        ] {
            check(&wrong, None);
        }
        let mut twice = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("00-{TRACE}-00f067aa0ba902b7-01")).unwrap();
        twice.append("traceparent", value.clone());
        twice.append("traceparent", value);
        assert_eq!(id(&twice), None);
    }
}
