//! What clients say over `/ws`.

use pmdaemon::api::ws::topic::{Said, Topic};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(said) = serde_json::from_str::<Said>(text) else { return };
    match said {
        Said::Sub(wish) => match wish.topic() {
            Ok(Topic::Processes { every, .. } | Topic::System { every }) => {
                assert!((1..=60).contains(&every), "{text:?}");
            }
            Ok(Topic::Events { .. } | Topic::Operations(_)) => {}
            Ok(Topic::Logs { reference, after }) => {
                assert!(reference.len() <= text.len() && after.is_none_or(|after| after.len() <= text.len()));
            }
            Err(why) => assert!(!why.is_empty()),
        },
        Said::Unsub { id: _ } | Said::Ping => {}
    }
}
