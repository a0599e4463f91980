//! Introduces what programs tell of themselves to the API.

use std::sync::Arc;

use serde_json::Value;

use crate::daemon::custom::Told;
use crate::daemon::sampling::Measured;
use crate::daemon::view::ProcessView;
use crate::wire;

/// What that process has told in its present run, while that goes on.
pub fn told(view: &ProcessView, measured: Option<&Measured>) -> Option<Arc<Told>> {
    view.state.pid()?;
    let run = view.state.run()?;
    measured?.custom.get(&run).cloned()
}

/// Its figures, by name.
pub fn metrics(told: &Told) -> Vec<wire::CustomMetric> {
    let metric = |(name, figure): (&String, &Value)| {
        let value = figure.get("value")?;
        let (text, number) = match value {
            Value::Number(number) => (number.to_string(), number.as_f64()),
            Value::String(text) => (text.clone(), text.trim().parse().ok()),
            Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => (value.to_string(), None),
        };
        let unit = figure.get("unit").and_then(Value::as_str).filter(|unit| !unit.is_empty());
        Some(wire::CustomMetric {
            name: name.clone(),
            value: text,
            number: number.filter(|number: &f64| number.is_finite()),
            unit: unit.map(str::to_owned),
        })
    };
    told.metrics.iter().filter_map(metric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;
    use serde_json::json;

    #[test]
    fn a_figure_is_a_number_where_it_says_one() {
        let figures = json!({"a": {"value": 1.5, "unit": "%"}, "b": {"value": "12", "unit": ""},
            "c": {"value": "busy"}, "d": {"unit": "s"}, "e": {"value": "inf"}});
        let Value::Object(figures) = figures else { panic!() };
        let told = Told {
            run: RunId(1),
            metrics: figures.into_iter().collect(),
            actions: Vec::new(),
            options: None,
        };
        let shown: Vec<_> =
            metrics(&told).into_iter().map(|it| (it.name, it.value, it.number, it.unit)).collect();
        let of = |name: &str, value: &str, number, unit: Option<&str>| {
            (name.to_owned(), value.to_owned(), number, unit.map(str::to_owned))
        };
        assert_eq!(
            shown,
            [
                of("a", "1.5", Some(1.5), Some("%")),
                of("b", "12", Some(12.0), None),
                of("c", "busy", None, None),
                of("e", "inf", None, None)
            ]
        );
    }
}
