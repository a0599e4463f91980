//! Health checks and waiting for readiness: the real binary, real apps.

mod slices {
    pub mod health;
}
mod support;
