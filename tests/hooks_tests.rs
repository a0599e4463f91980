//! Hooks: the real binary, real programs.

mod slices {
    pub mod hooks;
}
mod support;
