//! What programs may rely on: versions of definitions, operations, events, and repeated requests.

mod support;

mod contract {
    mod events;
    mod idempotency;
    mod operations;
    mod push;
    mod revisions;
}
