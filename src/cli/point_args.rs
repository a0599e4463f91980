//! Arguments of commands about restore points.

use clap::Args;

/// `save`.
#[derive(Args, Debug)]
pub struct SaveArgs {
    /// Name of the restore point [default: default]
    #[arg(value_name = "POINT")]
    pub point: Option<String>,
    /// Also when there are no apps: an empty list takes the place of the point
    #[arg(short, long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `resurrect`, `cleardump`.
#[derive(Args, Debug)]
pub struct PointArgs {
    /// Name of the restore point [default: default; resurrect: and what ran at the last kill]
    #[arg(value_name = "POINT")]
    pub point: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Help of `save`.
pub(super) const SAVE: &str = "Every change is saved anyway and comes back after a reboot. A restore point is for coming back to \
                    what there is now.";
