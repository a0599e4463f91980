//! Introduces dependencies to the API's types.

use super::ApiError;
use crate::model::{Condition, Dependency, Name};
use crate::wire;

/// What an app of that namespace is to depend on. Whether that is there, the supervisor knows.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(asked: &[wire::Dependency], namespace: &Name) -> Result<Vec<Dependency>, ApiError> {
    let mut wanted: Vec<Dependency> = Vec::new();
    for (index, asked) in asked.iter().enumerate() {
        let refuse =
            |member: &str, why: String| Err(ApiError::member(&format!("/depends_on/{index}/{member}"), why));
        let (of, app) = match asked.app.split_once(':') {
            Some((of, app)) => (Name::parse(of), Name::parse(app)),
            None => (Ok(namespace.clone()), Name::parse(&asked.app)),
        };
        let (of, app) = match (of, app) {
            (Ok(of), Ok(app)) => (of, app),
            (Err(bad), _) | (Ok(_), Err(bad)) => return refuse("app", bad.to_string()),
        };
        let condition = match asked.condition.as_deref().map(Condition::parse).transpose() {
            Ok(condition) => condition.unwrap_or_default(),
            Err(why) => return refuse("condition", why),
        };
        if wanted.iter().any(|other| (&other.namespace, &other.app) == (&of, &app)) {
            return refuse("app", format!("{} is there twice: say it once", asked.app));
        }
        wanted.push(Dependency { namespace: of, app, condition });
    }
    Ok(wanted)
}

/// Shows them in a definition of that namespace.
pub fn show(depends_on: &[Dependency], namespace: &Name) -> Vec<wire::Dependency> {
    let one = |dependency: &Dependency| wire::Dependency {
        app: dependency.name_in(namespace),
        condition: Some(dependency.condition.to_string()),
    };
    depends_on.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(app: &str, condition: Option<&str>) -> wire::Dependency {
        wire::Dependency { app: app.to_owned(), condition: condition.map(str::to_owned) }
    }

    #[test]
    fn a_name_is_of_the_same_namespace_and_ready_unless_it_says_otherwise() {
        let blue = Name::parse("blue").unwrap();
        let given = [asked("db", None), asked("default:cache", Some("healthy"))];
        let wanted = wanted(&given, &blue).unwrap();
        let told: Vec<(String, Condition)> =
            wanted.iter().map(|d| (format!("{}:{}", d.namespace, d.app), d.condition)).collect();
        assert_eq!(
            told,
            [("blue:db".into(), Condition::Ready), ("default:cache".into(), Condition::Healthy)]
        );
        let shown = show(&wanted, &blue);
        assert_eq!(shown, [asked("db", Some("ready")), asked("default:cache", Some("healthy"))]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_member() {
        let check = |given: &[wire::Dependency], words: &str| {
            let refused = format!("{:?}", wanted(given, &Name::default_namespace()).expect_err(words));
            assert!(refused.contains(words), "{refused}");
        };
        check(&[asked("9", None)], "/depends_on/0/app");
        check(&[asked("db", None), asked("x", Some("happy"))], "/depends_on/1/condition");
        check(&[asked("db", Some("happy"))], "started, ready, healthy, completed");
        check(&[asked("db", None), asked("default:db", Some("healthy"))], "twice");
    }
}
