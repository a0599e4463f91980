//! `save`: a restore point of everything.

use super::super::error::CliError;
use super::super::out;
use super::super::point_args::SaveArgs;
use super::super::render::units::count;
use super::super::session::Session;

/// Runs the command.
pub async fn run(args: SaveArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let name = args.point.unwrap_or_else(|| super::resurrect::DEFAULT.to_owned());
    let point = session.ask(async |c| c.save_point(&name, args.force).await).await?;
    if args.json {
        out::json(&point);
        return Ok(());
    }
    let apps = count(point.apps as usize, "app", "apps");
    let processes = count(point.processes as usize, "process", "processes");
    out::done(&format!("Saved {apps} with {processes}, {} to run, as {}.", point.running, point.name));
    Ok(())
}
