//! Short forms for every day, long forms for `tests/run --soak`.

/// Set to 1 by `tests/run --soak`.
const SOAK: &str = "PMDAEMON_SOAK";

/// How many rounds: `long` in a soak.
pub fn rounds(short: usize, long: usize) -> usize {
    if is_on() { long } else { short }
}

/// Whether this is a soak.
pub fn is_on() -> bool {
    std::env::var_os(SOAK).is_some_and(|value| value == "1")
}
