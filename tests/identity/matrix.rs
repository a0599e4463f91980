//! Each role against each route. The routes come from the router itself: its OpenAPI document, and
//! its source for pages and old names. One that is not in the table fails this test.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::support::routes::{concrete, described, written};
use crate::support::{Api, Home};

/// The least that a route asks for, and the routes. `all` needs a token for all namespaces; `open`
/// needs nothing. Whoever may look may ask for what is their own: that they get no more has tests beside
/// these.
const TABLE: &str = "
open     GET /healthz, GET /readyz, GET /health, GET /status
open     GET /login, POST /login, GET /login/once, POST /login/once, POST /api/v1/auth/login
open     GET /assets/{version}/{*path}

viewer   GET /api/v1/apps, GET /api/v1/apps/{ref}, GET /api/v1/processes, GET /api/v1/processes/{id}
viewer   GET /api/v1/apps/{ref}/logs, GET /api/v1/processes/{id}/logs, GET /api/v1/logs
viewer   GET /api/v1/events, GET /api/v1/ports, GET /api/v1/ports/{port}, GET /api/v1/system, GET /openapi.json, GET /ws
viewer   GET /api/v1/auth/whoami, POST /api/v1/auth/login-link, POST /api/v1/auth/logout
viewer   GET /api/v1/tokens, DELETE /api/v1/tokens/{id}, GET /api/v1/sessions, DELETE /api/v1/sessions/{id}
viewer   GET /api/v1/users, PUT /api/v1/users/{name}/password, POST /api/v1/tokens
viewer   GET /api/processes, GET /api/processes/{ref}, GET /api/system, GET /api/logs/{ref}
viewer   GET /, GET /events, GET /ports, GET /system, GET /logs, GET /docs, POST /logout
viewer   GET /apps/{ref}, GET /apps/{ref}/logs, GET /apps/{ref}/events, GET /apps/{ref}/config, GET /apps/{ref}/delete
viewer   GET /fragments/processes, GET /fragments/events, GET /fragments/ports, GET /alerts, GET /fragments/alerts
viewer   GET /apps/{ref}/revisions, GET /fragments/apps/{ref}, GET /fragments/apps/{ref}/events
viewer   GET /api/v1/apps/{ref}/runs, GET /api/v1/apps/{ref}/env
viewer   GET /api/v1/apps/{ref}/revisions, GET /api/v1/apps/{ref}/revisions/{revision}
viewer   GET /api/v1/apps/{ref}/metrics
viewer   GET /api/v1/processes/{id}/metrics, GET /apps/{ref}/metrics, GET /settings, POST /settings/{what}/{verb}
viewer   GET /metrics, GET /api/v1/system/metrics, GET /api/v1/ecosystem-schema
viewer   GET /api/v1/operations, GET /api/v1/operations/{id}, GET /api/v1/operations/{id}/events
viewer   GET /operations, GET /operations/{id}, GET /fragments/operations, GET /fragments/operations/{id}
viewer   GET /api/v1/alerts
viewer+all GET /api/v1/restore-points, GET /api/v1/forwards

operator POST /api/v1/apps/{ref}/start, POST /api/v1/apps/{ref}/stop, POST /api/v1/apps/{ref}/restart
operator POST /api/v1/apps/{ref}/reload, POST /api/v1/apps/{ref}/reset, PUT /api/v1/apps/{ref}/scale
operator POST /api/v1/apps/{ref}/stdin, POST /api/v1/apps/{ref}/message, POST /api/v1/apps/{ref}/trigger
operator POST /api/v1/apps/{ref}/signal, POST /api/v1/operations, DELETE /api/v1/operations/{id}
operator POST /apps/{ref}/{verb}, POST /bulk, POST /operations/{id}/cancel

deployer POST /api/v1/apps, PUT /api/v1/apps/{ref}, PATCH /api/v1/apps/{ref}, DELETE /api/v1/apps/{ref}
deployer PUT /api/v1/apps/{ref}/watch, POST /api/v1/apps/{ref}/env, PATCH /api/v1/apps/{ref}/env
deployer GET /api/v1/secrets
deployer PUT /api/v1/secrets/{namespace}/{name}, DELETE /api/v1/secrets/{namespace}/{name}
deployer PUT /api/v1/apps/{ref}/inherited-env, POST /api/v1/apps/{ref}/rollback
deployer DELETE /api/v1/apps/{ref}/logs, DELETE /api/v1/processes/{id}/logs, DELETE /api/v1/logs
deployer POST /api/v1/apps/{ref}/logs/reopen, POST /api/v1/logs/reopen
deployer POST /api/v1/plans
deployer POST /api/processes, DELETE /api/processes/{ref}
deployer GET /apps/{ref}/update, POST /apps/{ref}/update, POST /fragments/apps/{ref}/check
deployer GET /apps/{ref}/rollback, POST /apps/{ref}/rollback
deployer GET /apps/new, POST /apps/new, POST /fragments/apps/check, POST /apps/{ref}/delete

admin    POST /api/v1/apps/{ref}/env/reveal
admin+all GET /alerts/{what}/{verb}, POST /alerts/{what}/{verb}, GET /audit, GET /api/v1/audit, GET /api/v1/audit/verdict
admin+all POST /api/v1/users, DELETE /api/v1/users/{name}, PUT /api/v1/users/{name}/grant
admin+all PUT /api/v1/restore-points/{name}, DELETE /api/v1/restore-points/{name}
admin+all POST /api/v1/restore-points/{name}/resurrect
admin+all GET /api/v1/system/log, GET /api/v1/system/requests, POST /api/v1/system/shutdown
admin+all POST /api/v1/system/upgrade, POST /api/v1/system/listeners, POST /api/v1/system/listeners/temporary
admin+all GET /api/v1/system/config, PUT /api/v1/system/config, POST /api/v1/system/reload
admin+all DELETE /api/v1/system/listeners/{host}/{port}
admin+all POST /api/v1/forwards, DELETE /api/v1/forwards/{name}, POST /api/v1/forwards/{name}/test
admin+all GET /api/v1/alerts/rules, POST /api/v1/alerts/rules, GET /api/v1/alerts/rules/{name}
admin+all PUT /api/v1/alerts/rules/{name}, DELETE /api/v1/alerts/rules/{name}
admin+all GET /api/v1/alerts/channels, POST /api/v1/alerts/channels, GET /api/v1/alerts/channels/{name}
admin+all PUT /api/v1/alerts/channels/{name}, DELETE /api/v1/alerts/channels/{name}
admin+all POST /api/v1/alerts/channels/{name}/test
";

const ROLES: [&str; 4] = ["viewer", "operator", "deployer", "admin"];

/// What one of them would end, or never end; those who may are tested elsewhere.
const NOT_AS_ADMIN: [&str; 3] =
    ["/api/v1/system/shutdown", "/api/v1/system/requests", "/api/v1/system/listeners/temporary"];

/// Of the route: nothing, or the least role and whether it has to count everywhere.
type Needs = Option<(usize, bool)>;

fn table() -> BTreeMap<(String, String), Needs> {
    let mut table = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.trim().is_empty()) {
        let (needs, routes) = line.split_once(' ').unwrap();
        let needs = match needs {
            "open" => None,
            needs => {
                let (role, all) = needs.split_once('+').map_or((needs, false), |(role, _)| (role, true));
                Some((ROLES.iter().position(|known| *known == role).unwrap(), all))
            }
        };
        for route in routes.split(',') {
            let (method, path) = route.trim().split_once(' ').unwrap();
            let before = table.insert((method.to_owned(), path.to_owned()), needs);
            assert!(before.is_none(), "{route} is in the table twice");
        }
    }
    table
}

/// Every route that the router has.
fn routes(api: &Api) -> BTreeSet<(String, String)> {
    &described(api) | &written()
}

#[test]
fn every_route_is_in_the_table_and_the_other_way_round() {
    let home = Home::new();
    let routes = routes(&home.api());
    let table: BTreeSet<_> = table().into_keys().collect();
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "say in the table what these need: {missing:?}");
    let stale: Vec<_> = table.difference(&routes).collect();
    assert!(stale.is_empty(), "these are no routes any more: {stale:?}");
}

/// Row 8 of the checklist.
#[test]
fn each_role_may_what_the_table_says_and_nothing_else() {
    let home = Home::new();
    let api = home.api();
    let make = |name: &str, role: &str, namespaces: &[&str]| {
        let mut new = json!({"name": name, "role": role});
        if !namespaces.is_empty() {
            new["namespaces"] = json!(namespaces);
        }
        let made = api.post("/api/v1/tokens", &new);
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["secret"].as_str().unwrap().to_owned()
    };
    let mut asked = 0;
    for ((method, path), needs) in table() {
        let path_of_nothing = concrete(&path);
        let Some((least, everywhere)) = needs else {
            let answer = api.send(api.bare(&method, &path_of_nothing));
            // A login without a password is refused as such.
            let refused = answer.text.contains("credential_missing") || answer.status == 403;
            assert!(!refused, "{method} {path} is open: {answer:?}");
            continue;
        };
        let nobody = api.send(api.bare(&method, &path_of_nothing));
        assert_eq!(nobody.status, 401, "{method} {path} by nobody: {nobody:?}");
        for (number, role) in ROLES.iter().enumerate() {
            for namespaces in [&[][..], &["shop"]] {
                let restricted = !namespaces.is_empty();
                let may = number >= least && (!everywhere || !restricted);
                if may && NOT_AS_ADMIN.contains(&path.as_str()) {
                    continue;
                }
                let name = format!("t{asked}");
                // A user of their own rights for each, since some routes end what they are asked with.
                let token = make(&name, role, namespaces);
                let answer = api.send(api.bare(&method, &path_of_nothing).bearer_auth(&token));
                let who = format!("{method} {path} as {role} of {namespaces:?}: {answer:?}");
                asked += 1;
                match may {
                    true => assert!(!matches!(answer.status.as_u16(), 401 | 403 | 405 | 500), "{who}"),
                    false => assert!(answer.status == 403 && answer.json()["code"] == "forbidden", "{who}"),
                }
            }
        }
    }
    assert!(asked > 400, "only {asked} were asked");
}

#[test]
fn what_is_no_route_is_told_to_nobody_without_a_token() {
    let home = Home::new();
    let api = home.api();
    for path in ["/nosuch", "/api/v1/nosuch", "/api/v2/apps", "/API/v1/apps", "/api/v1/apps/web/nosuch/x"] {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(api.send(api.bare(method, path)).status, 401, "{method} {path}");
            let known = api.send(api.request(method, path));
            assert_eq!(known.status, 404, "{method} {path}: {known:?}");
        }
    }
}
