//! `GET /api/v1/ports` and `/ports/{port}`: who has which port, who listens there, and what does not
//! fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::access::{Auth, View};
use super::cursor::Key;
use super::extract::{Path, Query};
use super::paging::{Page, Paging};
use super::{ApiError, Shared};
use crate::daemon::listening::{self, Socket};
use crate::daemon::view::{ProcessView, Snapshot};
use crate::model::{AppId, Pid, Port as HeldPort, PortOwner, PortPlan, Want};
use crate::wire::{Port, PortList, PortListener, PortReservation, Problem};

/// List ports
///
/// Every port that a process has or will want when it starts, and every port on which one of them
/// listens. The port of a balancer is listed with the processes behind it.
#[utoipa::path(get, path = "/api/v1/ports", tag = "processes", operation_id = "list_ports", params(Paging),
    responses(
        (status = 200, description = "by number", body = PortList),
        (status = "4XX", description = "refused", body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    auth: Auth<View>,
    State(api): State<Shared>,
    Query(paging): Query<Paging>,
) -> Result<Json<PortList>, ApiError> {
    let all = all(&api, auth.snapshot(&api)).await?;
    let Page { items, more } = paging.page("ports", all, |port| Key::Number(port.port))?;
    Ok(Json(PortList { items, more }))
}

/// Show one port
///
/// Any of this host: whoever listens there, also if no process of ours has to do with it. Who may see
/// some namespaces alone is not told which other program that is.
#[utoipa::path(get, path = "/api/v1/ports/{port}", tag = "processes", operation_id = "show_port",
    params(("port" = i64, Path, description = "its number", example = 3000, minimum = 1, maximum = 65535)),
    responses(
        (status = 200, description = "who has it and who listens there, which may be nobody", body = Port),
        (status = "4XX", description = "refused", body = Problem, content_type = "application/problem+json")))]
pub async fn show(
    auth: Auth<View>,
    State(api): State<Shared>,
    Path(port): Path<i64>,
) -> Result<Json<Port>, ApiError> {
    let number = u16::try_from(port).ok().filter(|number| *number > 0).ok_or_else(|| {
        let detail = format!("{port} is no port: they go from 1 to 65535");
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_path", detail)
    })?;
    let ports = those(&api, auth.snapshot(&api), Some(number)).await?;
    let mut found = ports.into_iter().find(|row| row.port == port).ok_or_else(ApiError::no_route)?;
    if auth.namespaces().is_some() {
        for other in found.listeners.iter_mut().filter(|listener| listener.id.is_none()) {
            (other.program, other.pid) = (None, None);
        }
    }
    Ok(Json(found))
}

/// The ports of what is in that picture.
///
/// # Errors
/// Only when a task breaks.
pub async fn all(api: &Shared, snapshot: Arc<Snapshot>) -> Result<Vec<Port>, ApiError> {
    those(api, snapshot, None).await
}

/// As [`all`], and that one, whoever has it.
async fn those(api: &Shared, snapshot: Arc<Snapshot>, also: Option<u16>) -> Result<Vec<Port>, ApiError> {
    // Looks at every process of the host.
    let keeper = api.handle.keeper_pid().map(Pid);
    let items = tokio::task::spawn_blocking(move || {
        let sockets = listening::sockets(&mains(&snapshot));
        let holders: Vec<Pid> = keeper.into_iter().chain(balancers(&snapshot)).collect();
        let sockets = of_all_who_share(|port| sharing(&snapshot, port), &holders, sockets);
        let sockets = of_who_is_beside(&snapshot, sockets);
        ports(&snapshot, sockets, also)
    });
    items.await.map_err(|e| ApiError::internal(&e))
}

/// The main processes of our runs.
fn mains(snapshot: &Snapshot) -> Vec<(Pid, PortOwner)> {
    let main = |view: &Arc<ProcessView>| Some((view.state.pid()?, ours(view)));
    snapshot.processes.values().filter_map(main).collect()
}

fn balancers(snapshot: &Snapshot) -> impl Iterator<Item = Pid> {
    snapshot.balancers.values().filter_map(|balancer| balancer.state.pid())
}

/// The processes that share a held socket of that port, or are behind the balancer that has it.
fn sharing(snapshot: &Snapshot, port: u16) -> Vec<PortOwner> {
    let shares = |view: &&Arc<ProcessView>| {
        let behind = front(view) == Some(port) && view.ports.held.is_some();
        behind || view.ports.held == Some(HeldPort::Shared(port))
    };
    snapshot.processes.values().filter(shares).map(ours).collect()
}

/// A held socket is listened on by every process that shares it, whoever of them, or of those that
/// hold it for them (the keeper and balancers), was found to have it open.
fn of_all_who_share(
    sharing: impl Fn(u16) -> Vec<PortOwner>,
    holders: &[Pid],
    sockets: Vec<Socket>,
) -> Vec<Socket> {
    let mut all = Vec::new();
    for socket in sockets {
        let sharing = sharing(socket.port);
        let is_held = match &socket.owner {
            PortOwner::Foreign { pid, .. } => holders.contains(pid),
            owner @ PortOwner::Ours { .. } => sharing.contains(owner),
            PortOwner::Unknown => false,
        };
        let found: Vec<Socket> = match is_held && !sharing.is_empty() {
            true => sharing.into_iter().map(|owner| Socket { owner, ..socket.clone() }).collect(),
            false => vec![socket],
        };
        // Each may have a socket of its own there.
        for socket in found {
            if !all.contains(&socket) {
                all.push(socket);
            }
        }
    }
    all
}

/// Where no present run listens, one that leaves or is on trial may: the daemon knows which port that has.
fn of_who_is_beside(snapshot: &Snapshot, mut sockets: Vec<Socket>) -> Vec<Socket> {
    for socket in sockets.iter_mut().filter(|socket| !matches!(socket.owner, PortOwner::Ours { .. })) {
        let has_it =
            |view: &&Arc<ProcessView>| ports_beside(snapshot, view).any(|port| port.number() == socket.port);
        let view = snapshot.processes.values().find(has_it);
        view.into_iter().for_each(|view| socket.owner = ours(view));
    }
    sockets
}

/// The ports of the runs of a process that are not its present one: those that leave, and one on trial.
fn ports_beside(snapshot: &Snapshot, view: &ProcessView) -> impl Iterator<Item = HeldPort> {
    let left = snapshot.leaving.get(&view.id).into_iter().flatten().copied();
    left.chain(view.ports.trial)
}

fn ours(view: &Arc<ProcessView>) -> PortOwner {
    PortOwner::Ours { name: view.name(), id: view.id }
}

/// A reservation, and the app whose processes share it.
struct Wanted {
    reservation: PortReservation,
    shared_by: Option<AppId>,
}

/// The table: reservations and listeners side by side, and that port in any case.
fn ports(snapshot: &Snapshot, sockets: Vec<Socket>, also: Option<u16>) -> Vec<Port> {
    let mut reserved: BTreeMap<u16, Vec<Wanted>> = BTreeMap::new();
    for view in snapshot.processes.values() {
        let beside = ports_beside(snapshot, view).filter(|port| Some(*port) != view.ports.held);
        let beside = beside.map(|port| held_beside(view, port));
        let own = reservation(view).into_iter().chain(reservation_before(view));
        for (port, reservation) in own.chain(beside) {
            reserved.entry(port).or_default().push(reservation);
        }
    }
    let of_ours = |socket: &&Socket| matches!(socket.owner, PortOwner::Ours { .. });
    let listened = sockets.iter().filter(of_ours).map(|socket| socket.port);
    let numbers: BTreeSet<u16> = reserved.keys().copied().chain(listened).chain(also).collect();
    let row = |port: u16| {
        let reserved_by = reserved.remove(&port).unwrap_or_default();
        let mut owners: Vec<(String, PortOwner)> = sockets
            .iter()
            .filter(|socket| socket.port == port)
            .map(|socket| (socket.address.to_string(), socket.owner.clone()))
            .collect();
        owners.dedup();
        let conflict = conflict(port, &reserved_by, &owners);
        Port {
            port: i64::from(port),
            reserved_by: reserved_by.into_iter().map(|wanted| wanted.reservation).collect(),
            listeners: owners.into_iter().map(listener).collect(),
            conflict,
        }
    };
    numbers.into_iter().map(row).collect()
}

/// The port of a process: what it has, or what it must have when it starts.
fn reservation(view: &ProcessView) -> Option<(u16, Wanted)> {
    let plan = view.spec.port;
    let port = view.ports.held.map(HeldPort::number).or_else(|| match plan?.wants(view.instance) {
        Want::One(port) | Want::Shared(port) => Some(port),
        Want::AnyOf(..) | Want::Nothing => None,
    })?;
    let reservation = PortReservation {
        id: i64::from(view.id.0),
        name: view.name(),
        held: view.ports.held.is_some(),
        overridden: view.ports.plan.is_some(),
    };
    let shared = view.ports.held.map_or(matches!(plan, Some(PortPlan::Shared(_))), HeldPort::is_shared);
    Some((port, Wanted { reservation, shared_by: shared.then_some(view.app) }))
}

/// A port of a run that is not the present one.
fn held_beside(view: &ProcessView, port: HeldPort) -> (u16, Wanted) {
    let (id, name) = (i64::from(view.id.0), view.name());
    let reservation = PortReservation { id, name, held: true, overridden: false };
    (port.number(), Wanted { reservation, shared_by: Some(view.app) })
}

/// The port of the balancer before a process.
fn front(view: &ProcessView) -> Option<u16> {
    view.spec.balance.as_ref().map(|balance| balance.port)
}

/// The same for that port, which all processes of the app have together.
fn reservation_before(view: &ProcessView) -> Option<(u16, Wanted)> {
    let (id, name, held) = (i64::from(view.id.0), view.name(), view.ports.held.is_some());
    let reservation = PortReservation { id, name, held, overridden: false };
    Some((front(view)?, Wanted { reservation, shared_by: Some(view.app) }))
}

fn listener((address, owner): (String, PortOwner)) -> PortListener {
    match owner {
        PortOwner::Ours { name, id } => {
            PortListener { address, id: Some(i64::from(id.0)), program: Some(name), pid: None }
        }
        PortOwner::Foreign { program, pid } => {
            PortListener { address, id: None, program: Some(program), pid: Some(i64::from(pid.0)) }
        }
        PortOwner::Unknown => PortListener { address, id: None, program: None, pid: None },
    }
}

/// What is wrong, or will be when somebody starts.
fn conflict(port: u16, reserved_by: &[Wanted], owners: &[(String, PortOwner)]) -> Option<String> {
    let first = reserved_by.first()?;
    let all_share = first.shared_by.is_some() && reserved_by.iter().all(|w| w.shared_by == first.shared_by);
    let reserved_by: Vec<&PortReservation> = reserved_by.iter().map(|wanted| &wanted.reservation).collect();
    let first = reserved_by[0];
    let title = |reservation: &PortReservation| format!("{} (id {})", reservation.name, reservation.id);
    let is_another = |owner: &PortOwner| match owner {
        PortOwner::Ours { id, .. } => reserved_by.iter().all(|r| r.id != i64::from(id.0)),
        PortOwner::Foreign { .. } | PortOwner::Unknown => true,
    };
    if let Some((_, owner)) = owners.iter().find(|(_, owner)| is_another(owner)) {
        let whose = reserved_by.iter().copied().find(|r| r.held).unwrap_or(first);
        return Some(format!("port {port} is for {} and is used by {owner}", title(whose)));
    }
    if reserved_by.len() > 1 && !all_share {
        let all: Vec<String> = reserved_by.iter().map(|r| title(r)).collect();
        return Some(format!("port {port} is wanted by {}: only one of them can run", all.join(" and ")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessId;

    fn wanted(id: i64, held: bool) -> Wanted {
        let reservation = PortReservation { id, name: "web".into(), held, overridden: false };
        Wanted { reservation, shared_by: None }
    }

    #[test]
    fn a_held_socket_is_of_all_who_share_it_whoever_was_found_to_have_it() {
        let web = |id| PortOwner::Ours { name: format!("web-{id}"), id: ProcessId(id) };
        let found = |owner: PortOwner| {
            let socket = Socket { port: 8080, address: [0, 0, 0, 0].into(), owner };
            let sharing = |port| if port == 8080 { vec![web(0), web(1)] } else { Vec::new() };
            // With a queue for each there are as many sockets as processes.
            let all = of_all_who_share(sharing, &[Pid(700), Pid(326)], vec![socket.clone(), socket]);
            all.into_iter().map(|socket| socket.owner).collect::<Vec<_>>()
        };
        let program = |name: &str, pid| PortOwner::Foreign { program: name.into(), pid: Pid(pid) };
        assert_eq!(found(web(1)), [web(0), web(1)]);
        assert_eq!(found(program("pm-keeper", 700)), [web(0), web(1)]);
        // Pids begin anew when they are used up: a balancer may have a lower one than the keeper.
        assert_eq!(found(program("pm-balancer", 326)), [web(0), web(1)]);
        assert_eq!(found(program("nginx", 812)), [program("nginx", 812)]);
        assert_eq!(found(PortOwner::Unknown), [PortOwner::Unknown]);
    }

    #[test]
    fn a_conflict_is_told_before_it_hurts() {
        let nginx = ("::".to_owned(), PortOwner::Foreign { program: "nginx".into(), pid: Pid(812) });
        let ours = |id| ("::".to_owned(), PortOwner::Ours { name: "api".into(), id: ProcessId(id) });
        let check = |reserved: &[Wanted], owners: &[(String, PortOwner)], told: Option<&str>| {
            assert_eq!(conflict(3000, reserved, owners).as_deref(), told);
        };
        check(&[wanted(0, true)], &[], None);
        check(&[wanted(0, true)], &[ours(0)], None);
        check(&[], &[ours(0)], None);
        let told = "port 3000 is for web (id 0) and is used by another program (nginx, pid 812)";
        check(&[wanted(0, false)], &[nginx], Some(told));
        check(&[wanted(0, false)], &[ours(3)], Some("port 3000 is for web (id 0) and is used by api (id 3)"));
        let shared = |id, app| Wanted { shared_by: Some(AppId(app)), ..wanted(id, true) };
        check(&[shared(0, 0), shared(1, 0)], &[ours(0), ours(1)], None);
        check(
            &[shared(0, 0), shared(1, 1)],
            &[],
            Some("port 3000 is wanted by web (id 0) and web (id 1): only one of them can run"),
        );
        let told = "port 3000 is wanted by web (id 0) and web (id 1): only one of them can run";
        check(&[wanted(0, true), wanted(1, false)], &[ours(0)], Some(told));
    }
}
