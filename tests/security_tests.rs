//! What keeps strangers out: the listener, TLS, and limits of requests.

mod support;

mod security {
    mod canary;
    mod definitions;
    mod front;
    mod metrics;
    mod rows;
    mod slow;
    mod tls;
}
