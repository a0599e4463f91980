//! Amounts of memory, and what is said about too much of it.

use std::fmt;

/// A number of bytes, shown in binary units with at most one decimal: `812 B`, `612.4 MiB`,
/// `512 MiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut value = self.0 as f64;
        let mut unit = 0;
        // 1023.95 and more would be shown as 1024 of this unit.
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let number = format!("{value:.1}");
        write!(f, "{} {}", number.trim_end_matches(".0"), UNITS[unit])
    }
}

/// A tree of processes that used more memory than it may (acceptance row B9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OverMemory {
    /// What all of its processes used together.
    pub used: ByteSize,
    /// What they may use.
    pub limit: ByteSize,
}

impl fmt::Display for OverMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.used.to_string() == self.limit.to_string() {
            // Told apart by less than what is shown.
            return write!(f, "memory limit: {} B > {} B", self.used.0, self.limit.0);
        }
        write!(f, "memory limit: {} > {}", self.used, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_largest_unit_that_fits_and_no_needless_decimal() {
        let check = |bytes: u64, text: &str| assert_eq!(ByteSize(bytes).to_string(), text);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1536, "1.5 KiB");
        check(512 << 20, "512 MiB");
        check(642_147_942, "612.4 MiB");
        check((1 << 30) - 1, "1 GiB");
        check(5 << 50, "5120 TiB");
    }

    #[test]
    fn too_much_memory_is_told_with_the_limit() {
        let over = |used, limit| OverMemory { used: ByteSize(used), limit: ByteSize(limit) }.to_string();
        assert_eq!(over(642_147_942, 512 << 20), "memory limit: 612.4 MiB > 512 MiB");
        assert_eq!(over((1 << 20) + 1, 1 << 20), "memory limit: 1048577 B > 1048576 B");
    }
}
