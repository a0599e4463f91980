//! Settings of an installation that come from the environment of the command that starts its
//! keeper.

/// So many automatic restarts may come at once, on the whole host.
const BURST: &str = "PMDAEMON_RESTART_BURST";
/// So many follow in a second, on the whole host.
const RATE: &str = "PMDAEMON_RESTART_RATE";

/// How many automatic restarts the host bears (acceptance row K7), as far as somebody said that.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct RestartBudget {
    /// At once; at least 1.
    pub burst: Option<u32>,
    /// In a second, after a burst; more than 0.
    pub per_second: Option<f64>,
}

impl RestartBudget {
    /// What the environment says.
    ///
    /// # Errors
    /// A sentence with the variable that is wrong and what is allowed.
    pub fn from_env() -> Result<RestartBudget, String> {
        let value = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        RestartBudget::parse(value(BURST).as_deref(), value(RATE).as_deref())
    }

    fn parse(burst: Option<&str>, rate: Option<&str>) -> Result<RestartBudget, String> {
        let burst = burst.map(|text| match text.parse() {
            Ok(number @ 1..=1_000_000) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "{BURST} is {text:?}: give the number of automatic restarts that may come at once, 1 to 1000000, \
                 such as 20"
            )),
        });
        let rate = rate.map(|text| match text.parse() {
            Ok(number) if (0.01..=10_000.0).contains(&number) => Ok(number),
            Ok(_) | Err(_) => Err(format!(
                "{RATE} is {text:?}: give the number of automatic restarts in a second, 0.01 to 10000, such as 4"
            )),
        });
        Ok(RestartBudget { burst: burst.transpose()?, per_second: rate.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_two_numbers_or_refused_with_an_example() {
        let check = |burst, rate, expected: RestartBudget| {
            assert_eq!(RestartBudget::parse(burst, rate), Ok(expected));
        };
        check(None, None, RestartBudget::default());
        check(Some("5"), Some("0.5"), RestartBudget { burst: Some(5), per_second: Some(0.5) });
        let refused = |burst, rate, words: &str| {
            let why = RestartBudget::parse(burst, rate).expect_err(words);
            assert!(why.contains(words), "{why}");
        };
        refused(Some("0"), None, "such as 20");
        refused(Some("many"), None, "PMDAEMON_RESTART_BURST is \"many\"");
        refused(None, Some("0"), "such as 4");
        refused(None, Some("NaN"), "PMDAEMON_RESTART_RATE");
        refused(None, Some("-1"), "0.01 to 10000");
    }
}
