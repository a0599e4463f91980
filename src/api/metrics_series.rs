//! Which figures of the history are asked for.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;

/// Every figure, by the member of a point that has it.
const ALL: [&str; 2] = ["cpu_percent", "memory_bytes"];

/// Which figures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichSeries {
    /// Only these figures: `cpu_percent`, `memory_bytes`, with a comma between them. Without it: all.
    #[param(nullable = false, example = "memory_bytes")]
    series: Option<String>,
}

/// Those that are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    /// `cpu_percent`.
    pub cpu: bool,
    /// `memory_bytes`.
    pub memory: bool,
}

impl Figures {
    /// Every one.
    pub const ALL: Figures = Figures { cpu: true, memory: true };
}

impl WhichSeries {
    /// What that means.
    ///
    /// # Errors
    /// 400 with those that there are.
    pub fn figures(&self) -> Result<Figures, ApiError> {
        let Some(text) = &self.series else { return Ok(Figures::ALL) };
        let mut figures = Figures { cpu: false, memory: false };
        for word in text.split(',') {
            match word {
                "cpu_percent" => figures.cpu = true,
                "memory_bytes" => figures.memory = true,
                _ => {
                    let all = ALL.join(", ");
                    let detail = format!("series has {word:?}: use one or several of {all}");
                    return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", detail));
                }
            }
        }
        Ok(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_that_are_named_and_all_without_names() {
        let named = |text: Option<&str>| WhichSeries { series: text.map(str::to_owned) }.figures();
        assert_eq!(named(None).unwrap(), Figures::ALL);
        assert_eq!(named(Some("memory_bytes,cpu_percent")).unwrap(), Figures::ALL);
        assert_eq!(named(Some("cpu_percent")).unwrap(), Figures { cpu: true, memory: false });
        assert_eq!(named(Some("memory_bytes,memory_bytes")).unwrap(), Figures { cpu: false, memory: true });
        for wrong in ["", "cpu", "cpu_percent,", "cpu_percent, memory_bytes", "CPU_PERCENT"] {
            let refused = named(Some(wrong)).unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.code), (400, "invalid_query"), "{wrong:?}");
            assert!(refused.detail.contains("cpu_percent, memory_bytes"), "{}", refused.detail);
        }
    }
}
