//! Everything that reads what others send, against inputs that libFuzzer makes: see `tests/fuzz/run`.
//!
//! Each target takes any bytes and panics when something that must hold does not: what was read is
//! written and read back the same, bounds are kept, a refusal is a refusal.

#![no_main]

mod ansi;
mod cursors;
mod importers;
mod keeper;
mod names;
mod selectors;
mod sockets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

type Check = fn(&[u8]);

static TARGETS: [(&str, Check); 8] = [
    ("names", names::check),
    ("selectors", selectors::check),
    ("ansi", ansi::check),
    ("cursors", cursors::check),
    ("importers", importers::check),
    ("sockets", sockets::check),
    ("keeper", keeper::check),
    ("planted", planted),
];

/// The one that `PMDAEMON_FUZZ` names.
static TARGET: LazyLock<Check> = LazyLock::new(|| {
    let name = std::env::var("PMDAEMON_FUZZ").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("PMDAEMON_FUZZ is {name:?}: use one of {names:?}")).1
});

fuzz_target!(|data: &[u8]| TARGET(data));

/// Whoever makes inputs at random needs 2^40 of them; whoever sees the branches needs some thousands.
fn planted(data: &[u8]) {
    let mut word = b"bogus".iter().zip(data);
    if data.len() > 4 && word.all(|(expected, byte)| expected == byte) {
        panic!("the planted mistake");
    }
}
