//! Text of a known format, as a value.

use serde_json::Value;

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// JSON, with comments and trailing commas. Never executed.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
}

impl Format {
    /// By the extension of a file.
    pub fn of(extension: &str) -> Option<Format> {
        match extension {
            "json" | "jsonc" | "json5" => Some(Format::Json),
            "yml" | "yaml" => Some(Format::Yaml),
            "toml" => Some(Format::Toml),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Format::Json => "JSON",
            Format::Yaml => "YAML",
            Format::Toml => "TOML",
        }
    }
}

/// Reads it.
///
/// # Errors
/// What is wrong and where, without the name of the file.
pub fn parse(text: &str, format: Format) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    let parsed = match format {
        Format::Json => {
            jsonc_parser::parse_to_serde_value::<Value>(text, &jsonc_parser::ParseOptions::default())
                .map_err(|e| e.to_string())
        }
        Format::Yaml => serde_saphyr::from_str::<Value>(text).map_err(|e| e.to_string()),
        Format::Toml => toml::from_str::<Value>(text).map_err(|e| e.to_string()),
    };
    // Some of them draw the place over several lines.
    parsed.map_err(|why| {
        let why: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        format!("is not {}: {}", format.word(), why.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_say_the_same() {
        let json = "// a comment\n{\"apps\": [{\"name\": \"web\", \"instances\": 2,}],}";
        let yaml = "apps:\n  - name: web\n    instances: 2\n";
        let toml = "[[apps]]\nname = \"web\"\ninstances = 2\n";
        let expected = serde_json::json!({"apps": [{"name": "web", "instances": 2}]});
        for (text, format) in [(json, Format::Json), (yaml, Format::Yaml), (toml, Format::Toml)] {
            assert_eq!(parse(text, format).as_ref(), Ok(&expected), "{format:?}");
        }
    }

    #[test]
    fn what_is_broken_says_where() {
        for (text, format) in [("{\"a\": ", Format::Json), ("a: [1", Format::Yaml), ("a = ", Format::Toml)] {
            let why = parse(text, format).unwrap_err();
            assert!(why.contains("line 1") && !why.contains('\n'), "{format:?}: {why}");
        }
    }
}
