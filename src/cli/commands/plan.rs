//! `plan`: what `apply` would do, and nothing done.

use super::super::error::CliError;
use super::super::file_args;
use super::super::out;
use super::super::plan_args::PlanArgs;
use super::super::render::escape::harmless;
use super::super::render::units::count;
use super::super::session::Session;
use super::from_file;
use crate::wire::{Plan, PlanAction, PlanStep};

/// What `--exit-code` answers when something differs.
const DIFFERENT: u8 = 3;

/// Runs the command.
pub async fn run(args: PlanArgs) -> Result<(), CliError> {
    let file = match &args.wanted.file {
        Some(file) => file.clone(),
        None => file_args::default_file()?,
    };
    let declared = args.wanted.of_file.read(&file).await?;
    let session = Session::open().await?;
    let plan = from_file::plan(&session, &declared, args.wanted.prunes(), args.wanted.update_env).await?;
    if args.json {
        out::json(&plan);
    } else {
        show(&plan);
    }
    match args.exit_code && !is_empty(&plan) {
        true => Err(CliError::Code(DIFFERENT)),
        false => Ok(()),
    }
}

/// Whether there is nothing to do.
pub fn is_empty(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| step.action == PlanAction::None)
}

/// Prints it: a line for each difference, and how the rest is.
pub fn show(plan: &Plan) {
    plan.steps.iter().flat_map(lines).for_each(|line| out::line(&harmless(&line)));
    let same = plan.steps.iter().filter(|step| step.action == PlanAction::None).count();
    if same > 0 {
        let (apps, are) = (count(same, "app", "apps"), if same == 1 { "is" } else { "are" });
        out::line(&format!("{apps} {are} as the file says."));
    }
}

/// `+ api`, `~ web args a → b (restart)`, `- old`.
fn lines(step: &PlanStep) -> Vec<String> {
    let name = match step.namespace.as_str() {
        "default" => step.app.clone(),
        namespace => format!("{namespace}:{}", step.app),
    };
    let how = match step.action {
        PlanAction::None => return Vec::new(),
        PlanAction::Create => return vec![format!("+ {name}")],
        PlanAction::Remove => return vec![format!("- {name}")],
        PlanAction::Start => "start",
        PlanAction::Live => "live",
        PlanAction::Reload => "reload",
        PlanAction::Restart => "restart",
    };
    if step.changes.is_empty() {
        return vec![format!("~ {name} is stopped ({how})")];
    }
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
    let change = |change: &crate::wire::Change| match (&change.from, &change.to) {
        (None, None) => format!("~ {name} {} ({how})", change.member),
        (from, to) => format!("~ {name} {} {} → {} ({how})", change.member, side(from), side(to)),
    };
    step.changes.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Change;

    fn step(action: PlanAction, changes: Vec<Change>) -> PlanStep {
        PlanStep { app: "web".into(), namespace: "default".into(), id: None, etag: None, action, changes }
    }

    #[test]
    fn each_difference_is_a_line_with_its_way() {
        let change = |member: &str, from: Option<&str>, to: Option<&str>| Change {
            member: member.into(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        assert_eq!(lines(&step(PlanAction::Create, vec![])), ["+ web"]);
        assert_eq!(lines(&step(PlanAction::Remove, vec![])), ["- web"]);
        assert_eq!(lines(&step(PlanAction::Start, vec![])), ["~ web is stopped (start)"]);
        assert!(lines(&step(PlanAction::None, vec![])).is_empty());
        let changes = vec![change("port", Some("3000"), Some("3001")), change("env.A", Some("***"), None)];
        assert_eq!(
            lines(&step(PlanAction::Restart, changes)),
            ["~ web port 3000 → 3001 (restart)", "~ web env.A *** → none (restart)"]
        );
    }
}
