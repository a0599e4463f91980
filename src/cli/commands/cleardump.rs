//! `cleardump`: forgets a restore point.

use super::super::error::CliError;
use super::super::out;
use super::super::point_args::PointArgs;
use super::super::session::Session;

/// Runs the command.
pub async fn run(args: PointArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let name = args.point.unwrap_or_else(|| super::resurrect::DEFAULT.to_owned());
    session.ask_once(async |c| c.delete_point(&name).await).await?;
    match args.json {
        true => out::json(&serde_json::json!({ "deleted": name })),
        false => out::done(&format!("Forgot the restore point {name}.")),
    }
    Ok(())
}
