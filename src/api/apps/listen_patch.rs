//! How processes listen is said by several members of a definition together. What a patch says of one
//! takes away what contradicts it, as far as the patch does not say that, too.

use serde_json::{Map, Value};

/// Takes out of the definition what cannot be true with the patch.
pub fn make_room(members: &mut Map<String, Value>, patch: &Map<String, Value>) {
    let says = |member: &str| patch.contains_key(member);
    let (mode, front) = (mode(members), front(members));
    let begins_to_share = patch.get("listen_mode").is_some_and(|mode| mode != "proxy" && !mode.is_null());
    match patch.get("balance") {
        Some(Value::Null) if !says("listen_mode") && mode.as_deref() == Some("proxy") => {
            members.remove("listen_mode");
        }
        Some(Value::Object(balance)) => {
            if !says("listen_mode") {
                members.remove("listen_mode");
            }
            if !says("spread") {
                members.remove("spread");
            }
            let is_fronts = |port| balance.get("port").and_then(Value::as_i64) == Some(port);
            let own = members.get("port").and_then(number);
            // What clients connect to becomes the balancer's.
            let given_up = mode.as_deref() == Some("shared") || own.is_some_and(is_fronts);
            if !says("port") && given_up {
                members.remove("port");
            }
        }
        None if begins_to_share && members.remove("balance").is_some() && !says("port") => {
            members.extend(front.map(|port| ("port".to_owned(), port.to_string().into())));
        }
        Some(_) | None => {}
    }
    let several = patch.get("port").is_some_and(|port| port.is_string() && number(port).is_none());
    if several && !says("listen_mode") && mode.as_deref() == Some("shared") {
        members.remove("listen_mode");
        if !says("spread") {
            members.remove("spread");
        }
    }
}

fn mode(members: &Map<String, Value>) -> Option<String> {
    members.get("listen_mode")?.as_str().map(str::to_owned)
}

/// The port of the balancer.
fn front(members: &Map<String, Value>) -> Option<i64> {
    members.get("balance")?.get("port")?.as_i64()
}

/// A port that is one number.
fn number(port: &Value) -> Option<i64> {
    port.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_given_now_decides_how_processes_listen() {
        let check = |members: Value, patch: Value, left: Value| {
            let (Value::Object(mut members), Value::Object(patch)) = (members, patch) else { unreachable!() };
            make_room(&mut members, &patch);
            assert_eq!(Value::Object(members), left, "{patch:?}");
        };
        let shared = || json!({"port": "4880", "listen_mode": "shared", "spread": "queue"});
        let balance = || json!({"port": 4880, "mode": "http"});
        let balanced = || json!({"port": "auto:20000-20999", "listen_mode": "proxy", "balance": {"port": 4880, "mode": "http"}});
        check(shared(), json!({"balance": {"port": 4880}}), json!({}));
        check(shared(), json!({"balance": {"port": 80}, "port": "4000-4001"}), json!({"port": "4880"}));
        // Who says both is told that they contradict each other.
        check(
            shared(),
            json!({"balance": {"port": 80}, "listen_mode": "shared"}),
            json!({"listen_mode": "shared"}),
        );
        check(json!({"port": "4880", "listen_mode": "auto"}), json!({"balance": {"port": 4880}}), json!({}));
        let alone = json!({"port": "3000", "listen_mode": "auto"});
        check(alone, json!({"balance": {"port": 80}}), json!({"port": "3000"}));
        let range = || json!({"port": "4000-4001", "listen_mode": "proxy", "balance": balance()});
        check(
            range(),
            json!({"balance": {"mode": "tcp"}}),
            json!({"port": "4000-4001", "balance": balance()}),
        );
        let to_shared = json!({"port": "4880", "listen_mode": "proxy"});
        check(balanced(), json!({"listen_mode": "shared"}), to_shared);
        let to_port = json!({"listen_mode": "shared", "port": "5000"});
        check(balanced(), to_port, json!({"port": "auto:20000-20999", "listen_mode": "proxy"}));
        check(range(), json!({"balance": null}), json!({"port": "4000-4001", "balance": balance()}));
        check(shared(), json!({"port": "4000-4003"}), json!({"port": "4880"}));
        check(shared(), json!({"port": "4881"}), shared());
    }
}
