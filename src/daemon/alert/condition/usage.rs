//! What is told by what is measured.

use crate::model::ByteSize;

/// It uses more than so much of its limit, or of the machine's memory where it has none.
pub fn memory(
    name: &str,
    used: u64,
    limit: Option<ByteSize>,
    machine: u64,
    above_percent: u32,
) -> Option<String> {
    let (most, of) = match limit {
        Some(limit) => (limit.0, "its limit"),
        None => (machine, "the machine's memory"),
    };
    let percent = percent(used, most)?;
    (percent > u64::from(above_percent)).then(|| {
        format!("{name} uses {} of memory, {percent} % of {of} of {}", ByteSize(used), ByteSize(most))
    })
}

/// It uses more CPU; 100 is one core.
pub fn cpu(name: &str, percent: f64, above_percent: u32) -> Option<String> {
    (percent > f64::from(above_percent)).then(|| format!("{name} uses {percent:.0} % CPU"))
}

/// How much of the whole, unless that is nothing.
fn percent(part: u64, whole: u64) -> Option<u64> {
    (u128::from(part) * 100).checked_div(u128::from(whole)).map(|percent| percent as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn memory_is_compared_with_the_limit_or_else_with_the_machine() {
        let check = |used: u64, limit: Option<u64>, above, told: Option<&str>| {
            let limit = limit.map(|mib| ByteSize(mib * MIB));
            assert_eq!(memory("web", used * MIB, limit, 1000 * MIB, above).as_deref(), told);
        };
        check(47, Some(50), 90, Some("web uses 47 MiB of memory, 94 % of its limit of 50 MiB"));
        check(45, Some(50), 90, None);
        check(910, None, 90, Some("web uses 910 MiB of memory, 91 % of the machine's memory of 1000 MiB"));
        check(900, None, 90, None);
        assert_eq!(memory("web", 5, None, 0, 1), None, "nobody knows how much the machine has");
    }

    #[test]
    fn cpu_counts_cores() {
        assert_eq!(cpu("web", 151.4, 150).as_deref(), Some("web uses 151 % CPU"));
        assert_eq!(cpu("web", 150.0, 150), None);
    }
}
