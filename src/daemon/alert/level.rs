//! What holds of a rule becomes steps, and nothing else of it goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::firing::{Step, Subject};
use super::rule::Rule;
use super::{Alerts, locked};
use crate::daemon::clock;

impl Alerts {
    /// The rules that are not paused.
    pub(super) fn active(&self) -> Vec<Arc<Rule>> {
        self.rules_now().into_iter().filter(|rule| !rule.paused).collect()
    }

    /// Of that rule these hold, and nothing else does.
    pub(super) async fn level(&self, rule: &Rule, holding: &[(Subject, String)]) {
        let now = clock::unix_ms();
        let steps: Vec<Step> = {
            let mut book = locked(&self.0.book);
            let holds = holding.iter().filter_map(|(subject, told)| book.holds(now, rule, subject, told));
            let mut steps: Vec<Step> = holds.collect();
            let keys = holding.iter().map(|(subject, _)| subject.key.clone()).collect();
            steps.extend(book.calm(now, &rule.name, &keys));
            steps
        };
        for step in steps {
            self.tell(Some(step), None).await;
        }
    }

    /// What fires of rules that are not there any more, or are paused, is over.
    pub(super) async fn end_others(&self, rules: &[Arc<Rule>]) {
        let steps: Vec<Step> = {
            let mut book = locked(&self.0.book);
            let others = book.rules().into_iter().filter(|name| rules.iter().all(|rule| rule.name != *name));
            let others: Vec<String> = others.collect();
            others.iter().flat_map(|name| book.calm(clock::unix_ms(), name, &BTreeSet::new())).collect()
        };
        for step in steps {
            self.tell(Some(step), None).await;
        }
    }
}
