//! Balancers in a story: the driver minds them, and they tell who has drained.

use super::super::balance::balancers_are_there_while_they_are_needed;
use super::*;

impl World {
    /// What the driver does: balancers come and go with the apps before which they stand.
    pub(super) fn mind_balancers(&mut self) -> Result<(), String> {
        // One may lead to another, as another port and then a stop.
        for _ in 0..2 {
            for command in self.brain.balancers_due() {
                self.give_one(Given::Input(Input::Command(command)))?;
            }
        }
        balancers_are_there_while_they_are_needed(self)
    }

    /// A balancer says that somebody has answered everything, or said so long ago.
    pub(super) fn somebody_has_drained(&mut self) -> Result<(), String> {
        let draining: Vec<RunId> = self.told.draining_since.keys().copied().collect();
        let any: Vec<RunId> = self.lives.keys().copied().collect();
        let runs = if draining.is_empty() || self.dice.chance(10) { any } else { draining };
        if runs.is_empty() {
            return Ok(());
        }
        let run = self.dice.pick(&runs);
        self.give(Given::Input(Input::Fact(Fact::Drained { run })))
    }
}
