//! The signature of a webhook (web.md 4.3, row 37).
//!
//! `X-Pmdaemon-Signature: t=1700000000,v1=5257a869…`: `v1` is HMAC-SHA256 with the channel's secret over the
//! digits of `t`, a dot and the body, in hexadecimal digits. A receiver computes the same over the bytes that
//! came, compares without telling how far they agree, and refuses a `t` that is more than five minutes from
//! its clock: what somebody recorded cannot be sent again later. Each attempt is signed anew.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// The value of the header.
pub fn header(secret: &[u8], unix_s: u64, body: &[u8]) -> String {
    let mut signed = format!("{unix_s}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = sign(&Key::new(HMAC_SHA256, secret), &signed);
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={unix_s},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with: `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef`
    #[test]
    fn row_37_a_signature_is_as_others_compute_it_and_not_of_another_body_time_or_key() {
        let known = "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23";
        let signed = header(b"0123456789abcdef", 1_700_000_000, b"{\"a\":1}");
        assert_eq!(signed, known);
        for other in [
            header(b"0123456789abcdef", 1_700_000_000, b"{\"a\":2}"),
            header(b"0123456789abcdef", 1_700_000_001, b"{\"a\":1}").replace("001,", "000,"),
            header(b"0123456789abcdeg", 1_700_000_000, b"{\"a\":1}"),
        ] {
            assert_ne!(other, known);
        }
    }
}
