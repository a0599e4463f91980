//! What is found out about lives: whether they are healthy, and signs that they are ready.

use super::*;

impl World {
    /// A check of a life that is watched comes to an end.
    pub(super) fn somebody_is_checked(&mut self) -> Result<(), String> {
        let watched: Vec<RunId> = self.watched.iter().copied().collect();
        let (run, verdict) = (self.dice.pick(&watched), any_verdict(&mut self.dice));
        self.give(Given::Input(Input::Fact(Fact::Checked { run, verdict })))
    }

    /// A verdict that was on its way when its life was no longer watched.
    pub(super) fn a_verdict_comes_late(&mut self) -> Result<(), String> {
        let known: Vec<RunId> = self.ledger.launched.difference(&self.watched).copied().collect();
        if known.is_empty() {
            return Ok(());
        }
        let (run, verdict) = (self.dice.pick(&known), any_verdict(&mut self.dice));
        self.give(Given::Input(Input::Fact(Fact::Checked { run, verdict })))
    }

    /// A life that is awaited shows its sign, or another one.
    pub(super) fn somebody_shows_a_sign(&mut self) -> Result<(), String> {
        let awaited: Vec<(RunId, Sign)> = self.awaited.iter().map(|(run, sign)| (*run, *sign)).collect();
        let (run, right) = self.dice.pick(&awaited);
        let any = self.dice.pick(&[Sign::Notified, Sign::Message, Sign::Accepts, Sign::Line]);
        let sign = if self.dice.chance(60) { right } else { any };
        self.give(Given::Input(Input::Fact(Fact::Ready { run, sign, at: self.now })))
    }

    /// A sign of a life that is not awaited, or not any more.
    pub(super) fn a_sign_comes_unasked(&mut self) -> Result<(), String> {
        let known: Vec<RunId> = self.ledger.launched.iter().copied().collect();
        if known.is_empty() {
            return Ok(());
        }
        let run = self.dice.pick(&known);
        let sign = self.dice.pick(&[Sign::Notified, Sign::Message, Sign::Accepts, Sign::Line]);
        self.give(Given::Input(Input::Fact(Fact::Ready { run, sign, at: self.now })))
    }
}
