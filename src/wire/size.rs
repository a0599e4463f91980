//! Amounts of memory as people write them.

/// Reads `512K`, `100M` or `1.5G` (acceptance row R10). The base is 1024; `M`, `MB` and `MiB` are
/// the same, in any case. Answers with bytes.
///
/// # Errors
/// One sentence with an example; 0 is refused, too.
pub fn parse(text: &str) -> Result<u64, String> {
    let example = "write a size such as 512K, 100M or 1.5G";
    let trimmed = text.trim().to_ascii_lowercase();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = match unit.trim() {
        "b" => 1_u64,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        "" if number.parse::<f64>().is_ok_and(|number| number > 0.0) => {
            return Err(format!("{text:?} has no unit: write {number}M or {number}G"));
        }
        "" if number.parse::<f64>().is_ok() => 1,
        _ => return Err(format!("{text:?} is not a size: {example}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("{text:?} is not a size: {example}"))?;
    let bytes = number * unit as f64;
    if bytes < 1.0 {
        return Err(format!("a size of {text:?} is nothing: {example}"));
    }
    // More is not a number of 53 bits, nor any memory.
    if bytes > (1_u64 << 53) as f64 {
        return Err(format!("{text:?} is too large: {example}"));
    }
    Ok(bytes as u64)
}

/// Reads a mask of permission bits as the shell's `umask` does: octal digits, such as `027`.
///
/// # Errors
/// One sentence with an example.
pub fn parse_umask(text: &str) -> Result<u32, String> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_octal
        .then(|| u32::from_str_radix(text, 8).ok())
        .flatten()
        .filter(|mask| *mask <= 0o777)
        .ok_or_else(|| format!("{text:?} is not a umask: write three octal digits, such as 022 or 027"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit_of_base_1024() {
        let check = |text: &str, bytes: u64| assert_eq!(parse(text), Ok(bytes), "{text}");
        check("512K", 512 << 10);
        for text in ["100M", "100MB", "100MiB", "100m", "100mb", " 100 mib "] {
            check(text, 100 << 20);
        }
        check("1.5G", 3 << 29);
        check("2T", 2 << 40);
        check("77b", 77);
        for bad in ["", "M", "-5M", "much", "0", "0M", "0.0001b", "1.2.3M", "1e9G", "9999999T", "5 parsecs"] {
            assert!(parse(bad).unwrap_err().contains("write"), "{bad}");
        }
        assert!(parse("512").unwrap_err().contains("512M"));
    }

    #[test]
    fn a_umask_is_octal() {
        let check = |text: &str, mask: u32| assert_eq!(parse_umask(text), Ok(mask), "{text}");
        check("027", 0o27);
        check("0", 0);
        check("0077", 0o77);
        for bad in ["", "9", "1000", "-1", "u=rwx", "0o22", "+22"] {
            assert!(parse_umask(bad).unwrap_err().contains("027"), "{bad}");
        }
    }
}
