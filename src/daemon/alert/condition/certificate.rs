//! Certificates that expire.

use std::net::SocketAddr;

const DAY_S: i64 = 86_400;

/// It expires within so many days, or has.
pub fn expiring(address: SocketAddr, expires_s: i64, now_s: i64, within_days: u32) -> Option<String> {
    let left = expires_s - now_s;
    if left >= i64::from(within_days) * DAY_S {
        return None;
    }
    let when = match left {
        ..=0 => "has expired".to_owned(),
        left if left < DAY_S => "expires within a day".to_owned(),
        left if left < 2 * DAY_S => "expires in 1 day".to_owned(),
        left => format!("expires in {} days", left / DAY_S),
    };
    Some(format!("the certificate of {address} {when}: renew it; the files are read again when they change"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_before_it_expires_and_after() {
        let check = |left: i64, words: Option<&str>| {
            let told = expiring("127.0.0.1:443".parse().unwrap(), 1_000_000_000 + left, 1_000_000_000, 14);
            match words {
                Some(words) => assert!(told.as_ref().is_some_and(|told| told.contains(words)), "{told:?}"),
                None => assert_eq!(told, None),
            }
        };
        check(14 * DAY_S, None);
        check(14 * DAY_S - 1, Some("127.0.0.1:443 expires in 13 days"));
        check(DAY_S, Some("expires in 1 day"));
        check(5, Some("within a day"));
        check(-5, Some("has expired"));
    }
}
