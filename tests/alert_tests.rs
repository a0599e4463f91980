//! Alerts: the real binary, real receivers, and what is really the matter.

mod support;

mod alert {
    mod conditions;
    mod delivery;
    mod receiver;
    mod secrets;
}
