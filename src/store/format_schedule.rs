//! The disk format of schedules.

use serde::{Deserialize, Serialize};

use super::format::Misfit;
use crate::model::Schedule;
use crate::model::schedule::{CatchUp, Overlap};

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSchedule {
    cron: String,
    zone: String,
    #[serde(default)]
    overlap: Option<String>,
    #[serde(default)]
    catch_up: Option<String>,
}

impl StoredSchedule {
    /// What to write for `schedule`.
    pub(super) fn new(schedule: &Schedule) -> StoredSchedule {
        StoredSchedule {
            cron: schedule.pattern().to_owned(),
            zone: schedule.zone().to_owned(),
            overlap: Some(schedule.overlap.as_str().to_owned()),
            catch_up: Some(schedule.catch_up.as_str().to_owned()),
        }
    }

    /// The schedule that was written.
    pub(super) fn into_model(self) -> Result<Schedule, Misfit> {
        let schedule = Schedule::parse(&self.cron, &self.zone).map_err(|bad| bad.to_string())?;
        let overlap = self.overlap.and_then(|word| Overlap::parse(&word)).unwrap_or_default();
        let catch_up = self.catch_up.and_then(|word| CatchUp::parse(&word)).unwrap_or_default();
        Ok(schedule.with(overlap, catch_up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_comes_back_as_it_was() {
        let schedule = Schedule::parse("0 3 * * *", "Europe/Berlin").unwrap();
        let schedule = schedule.with(Overlap::Queue, CatchUp::Once);
        let json = serde_json::to_string(&StoredSchedule::new(&schedule)).unwrap();
        assert_eq!(serde_json::from_str::<StoredSchedule>(&json).unwrap().into_model(), Ok(schedule));
    }
}
