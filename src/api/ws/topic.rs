//! What a client says, and what it can subscribe to.

use serde::Deserialize;

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum Said {
    /// It wants a topic, under a number of its own.
    Sub(Wish),
    /// It does not want it any more.
    Unsub {
        /// The number.
        id: i64,
    },
    /// It wants to be answered.
    Ping,
}

/// A subscription that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Under which number it is answered. One that is in use is given to this one.
    pub id: i64,
    topic: String,
    /// Of `events` a `seq`, of `logs` a cursor, of rows the picture that the page shows: go on behind
    /// that.
    after: Option<String>,
    /// How often figures are told.
    rate_ms: Option<u64>,
    /// Rows as the dashboard shows them.
    #[serde(default)]
    html: bool,
}

/// What can be subscribed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Topic {
    /// Rows, their changes and their figures.
    Processes {
        /// As HTML.
        html: bool,
        /// The client has that picture already.
        picture: Option<String>,
        /// Figures once in so many seconds.
        every: u64,
    },
    /// The host's figures.
    System {
        /// Once in so many seconds.
        every: u64,
    },
    /// What happens.
    Events {
        /// Behind that one.
        after: Option<u64>,
    },
    /// What is written.
    Logs {
        /// By what.
        reference: String,
        /// Behind that cursor.
        after: Option<String>,
    },
    /// How far is what takes time: one, or all.
    Operations(Option<i64>),
}

impl Wish {
    /// What is wanted.
    ///
    /// # Errors
    /// One sentence, when that makes no sense.
    pub fn topic(self) -> Result<Topic, String> {
        let Wish { id: _, topic, after, rate_ms, html } = self;
        let (word, of) = match topic.split_once(':') {
            Some((word, of)) => (word, Some(of)),
            None => (topic.as_str(), None),
        };
        let has_figures = matches!(word, "processes" | "system");
        let found = match (word, of) {
            ("processes", None) => Topic::Processes { html, picture: after.clone(), every: every(rate_ms)? },
            ("system", None) => Topic::System { every: every(rate_ms)? },
            ("events", None) => {
                let seq = |text: &String| {
                    text.parse().map_err(|_| format!("after is {text:?}: events take the seq of one"))
                };
                Topic::Events { after: after.as_ref().map(seq).transpose()? }
            }
            ("logs", of) => {
                let reference = of.unwrap_or("all").to_owned();
                Topic::Logs { reference, after: after.clone() }
            }
            ("operations", None) => Topic::Operations(None),
            ("operation", Some(number)) => {
                let number =
                    number.parse().map_err(|_| format!("{number:?} is no number of an operation"))?;
                Topic::Operations(Some(number))
            }
            (_, _) => {
                return Err(format!(
                    "there is no topic {topic:?}: use processes, system, events, logs, logs:REF, operations or \
                     operation:ID"
                ));
            }
        };
        let unused = match found {
            _ if html && word != "processes" => Some("html is for processes"),
            _ if rate_ms.is_some() && !has_figures => Some("rate_ms is for processes and system"),
            Topic::Events { .. } | Topic::Logs { .. } | Topic::Processes { html: true, .. } => None,
            _ if after.is_some() => Some("after is for events, logs, and processes as html"),
            Topic::Processes { .. } | Topic::System { .. } | Topic::Operations(_) => None,
        };
        unused.map_or(Ok(found), |why| Err(format!("{why}: leave it out for {word}")))
    }
}

fn every(rate_ms: Option<u64>) -> Result<u64, String> {
    match rate_ms.unwrap_or(1_000) {
        rate if (1_000..=60_000).contains(&rate) => Ok(rate.div_ceil(1_000)),
        rate => Err(format!("rate_ms is {rate}: 1000 to 60000 is allowed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, wanted: Result<Topic, &str>) {
        let topic = match serde_json::from_str::<Said>(said) {
            Ok(Said::Sub(wish)) => wish.topic(),
            Ok(Said::Unsub { .. } | Said::Ping) => panic!("{said}"),
            Err(e) => Err(e.to_string()),
        };
        match (topic, wanted) {
            (Ok(topic), Ok(wanted)) => assert_eq!(topic, wanted, "{said}"),
            (Err(why), Err(words)) => assert!(why.contains(words), "{said}: {why}"),
            (topic, _) => panic!("{said}: {topic:?}"),
        }
    }

    fn sub(rest: &str) -> String {
        format!("{{\"op\":\"sub\",\"id\":1,{rest}}}")
    }

    #[test]
    fn a_topic_is_a_word_and_takes_what_is_of_use_to_it() {
        check(&sub("\"topic\":\"processes\""), Ok(Topic::Processes { html: false, picture: None, every: 1 }));
        check(
            &sub("\"topic\":\"processes\",\"html\":true,\"rate_ms\":2500"),
            Ok(Topic::Processes { html: true, picture: None, every: 3 }),
        );
        check(&sub("\"topic\":\"events\",\"after\":\"7\""), Ok(Topic::Events { after: Some(7) }));
        let logs = |reference: &str, after: Option<&str>| {
            Ok(Topic::Logs { reference: reference.into(), after: after.map(str::to_owned) })
        };
        check(&sub("\"topic\":\"logs:blue:web\",\"after\":\"c\""), logs("blue:web", Some("c")));
        check(&sub("\"topic\":\"logs\""), logs("all", None));
        check(&sub("\"topic\":\"operation:7\""), Ok(Topic::Operations(Some(7))));
        check(&sub("\"topic\":\"operations\""), Ok(Topic::Operations(None)));
    }

    #[test]
    fn what_makes_no_sense_or_is_of_no_use_is_refused() {
        check(&sub("\"topic\":\"nosuch\""), Err("there is no topic"));
        check(&sub("\"topic\":\"operation\""), Err("there is no topic"));
        check(&sub("\"topic\":\"operation:x\""), Err("no number"));
        check(&sub("\"topic\":\"system\",\"rate_ms\":10"), Err("1000 to 60000"));
        check(&sub("\"topic\":\"system\",\"after\":\"1\""), Err("after is for"));
        check(&sub("\"topic\":\"events\",\"after\":\"x\""), Err("seq"));
        check(&sub("\"topic\":\"events\",\"rate_ms\":1000"), Err("rate_ms is for"));
        check(&sub("\"topic\":\"logs\",\"html\":true"), Err("html is for"));
        check(&sub("\"topic\":\"system\",\"nosuch\":1"), Err("nosuch"));
        check("{\"op\":\"stop\",\"id\":1}", Err("stop"));
    }
}
