//! What keeps strangers out: the listener, TLS, and limits of requests.

mod support;

mod security {
    mod front;
    mod slow;
    mod tls;
}
