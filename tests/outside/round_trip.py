"""The client that openapi-python-client makes of our description in OpenAPI 3.0, against a real server:
URL and TOKEN. It is in generated/python, which is on the path."""

import os

import httpx
from pmdaemon_api import AuthenticatedClient
from pmdaemon_api.api.apps import create_app, delete_app, list_apps, patch_app, show_app, stop_app
from pmdaemon_api.models import App, AppList, AppPatch, NewApp, Outcome, Problem

NAME = "python"


def main() -> None:
    client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["TOKEN"], timeout=httpx.Timeout(60))
    new = NewApp.from_dict(
        {"script": "sleep 600", "name": NAME, "cwd": "/tmp", "env": {"MODE": "blue"}, "kill_timeout_ms": 2000}
    )
    made = create_app.sync_detailed(client=client, body=new, wait="10s", idempotency_key=NAME)
    assert made.status_code == 201, made
    app = made.parsed
    assert isinstance(app, App), app
    assert app.processes[0].status == "online", app
    assert app.env.to_dict() == {"MODE": "***"}, app

    listed = list_apps.sync(client=client, limit=1000)
    assert isinstance(listed, AppList), listed
    assert [item.id for item in listed.items if item.name == NAME] == [app.id], listed

    patch = AppPatch.from_dict({"max_restarts": 3, "env": {"MODE": None}})
    etag = made.headers["etag"]
    patched = patch_app.sync(NAME, client=client, body=patch, if_match=etag)
    assert isinstance(patched, App) and (patched.max_restarts, patched.env.to_dict()) == (3, {}), patched
    late = patch_app.sync(NAME, client=client, body=patch, if_match=etag)
    assert isinstance(late, Problem) and (late.status, late.code) == (412, "other_revision"), late

    stopped = stop_app.sync(NAME, client=client, wait="10s")
    assert isinstance(stopped, Outcome) and stopped.processes[0].status == "stopped", stopped
    deleted = delete_app.sync_detailed(NAME, client=client, wait="10s")
    assert deleted.status_code in (200, 202, 204), deleted

    missing = show_app.sync(NAME, client=client)
    assert isinstance(missing, Problem), missing
    assert (missing.status, missing.code) == (404, "app_not_found"), missing
    print("the Python client made, listed, changed, stopped and deleted an app")


if __name__ == "__main__":
    main()
