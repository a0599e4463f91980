//! What programs may rely on: versions of definitions, operations, events, and repeated requests.

mod support;

mod contract {
    mod ahead;
    mod answers;
    mod bulk_reload;
    mod config;
    mod environment;
    mod events;
    mod filters;
    mod idempotency;
    mod metrics;
    mod operations;
    mod own_log;
    mod pages;
    mod patch;
    mod pm2_sizes;
    mod pointers;
    mod push;
    mod revisions;
    mod shapes;
    mod whole_lists;
}
