"""What schemathesis has to know about us, and nothing else that would have it look away.

It is loaded by schemathesis (SCHEMATHESIS_HOOKS). Each exception has its reason beside it.
"""

import re

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

# A request may keep to the description and be refused all the same, for what no description can say.
# By the code of the problem, or for `invalid_value` by the member that it points at.
BY_CODE = {
    "invalid_cursor": "a cursor is opaque: only one that an answer gave means something",
    "conflicting_parameters": "OpenAPI does not say which parameters of a query exclude each other",
    "invalid_label": "a reference that begins with label: is one",
    "wait_too_long": "how much a span is: one hour is the most",
    "soak_too_long": "how much a span is: one day is the most",
    "not_ready": "`ready=true` asks for it: it ended, and will not become ready",
    "invalid_time": "whether a day is in the calendar, and how much a span is",
    "invalid_pattern": "whether a text is a regular expression",
    "cannot_execute": "whether a program can be executed is known to the host alone",
    "idempotency_key_reused": "a key is good for one request only",
    "cannot_be_changed": "a new definition of an app cannot move it to another name or namespace",
    "changed_meanwhile": "as other_revision, of the settings",
    "events_gone": "410: which events there are and have been",
    "other_revision": "412: the tag is not that of the present definition",
}
BY_MEMBER = {
    "/script": "whether the file is there and can be executed",
    "/interpreter": "whether it is in PATH",
    "/cwd": "whether the directory is there",
    "/env_file": "whether it can be read",
    "/user": "whether the host has such a user, and we may become it",
    "/group": "as /user",
    "/nice": "below 0 for root alone",
    "/port": "whether a range begins before it ends, and has a port for each process",
    "/balance/port": "only with a port or a range, which `port` may say as well",
    "/balance/sticky": "no cookie with mode tcp",
    "/autostart": "false not with `ready=true`: what is not started does not become ready",
    "/listen_mode": "no balancer for shared sockets, and something to share",
    "/spread": "even only with one port to share, and without a balancer",
    "/listen_timeout_ms": "only with what has to happen within it",
    "/ready": "whether the rest is a regular expression; and there has to be a port, a health check",
    "/exp_backoff_restart_delay_ms": "not with restart_delay_ms",
    "/depends_on": "whether there are such apps, and they do not wait for each other",
    "/health_check": "whether the host of a URL may be asked, its script is there",
    "/logs": "whether the place may be written to; and limits of 0 or from a least one on",
    "/watch": "whether the directories are there",
    "/schedule": "the grammar of cron, names of time zones, and whether such a time ever comes",
    "/syslog": "whether it is an address",
    "/http": "whether it is a URL, of a host that may be asked",
    "/headers": "names of headers, and only with http",
    "/facility": "a word of syslog, and only with syslog",
    "/env": "whether the secrets that it names are there",
    "/variables": "as /env",
    "/unset": "whether it is declared",
    "/message": "its length in bytes, and words of Node's own",
    "/param": "as /message",
    "/line": "its length in bytes",
    "/value": "its length in bytes",
    "/namespaces": "`*` stands alone",
    "/stream": "`sys` is what we say, which is not forwarded",
    "/tls_cert": "whether the files are there, are certificates, and belong together",
    "/tls_key": "as /tls_cert",
    "/insecure_http": "not with a certificate",
    "/origins": "whether it is written as browsers write it",
    "/host": "an IP address, of this machine",
    "/temporary": "this route adds for good",
    "/no_auth": "this route adds for good",
    "/interpreter_args": "quotes that are closed",
    "/max_memory_restart": "the grammar of sizes",
    "/apps": "PM2 takes one app or a list: each has the members above",
    "/delta": "whether anything would be left",
    "/instances": "whether there is a port for each",
    "/channels": "whether there are such channels",
    "/when/log_match/pattern": "whether it is a regular expression",
    "/webhook/url": "as /http; and `***` only where there is one",
    "/webhook/secret": "its length in bytes; as /webhook/url",
    "/webhook/headers": "names and values of headers, and which are set by us",
    "/slack": "as /webhook/url",
    "/discord": "as /webhook/url",
    "/ntfy/url": "as /webhook/url; and the last part is a topic",
    "/ntfy/token": "what HTTP allows in a header",
    "/command": "begins with a whole path",
}

# Answers with 5xx that are not our fault, by status and code.
BY_DESIGN = {
    (504, "not_ready"): "`ready=true` asks for it: not ready within the wait, and left running",
    (502, "receiver_refused"): "the receiver of a forward or an alert was tried, and is away",
}


def is_about_what_no_schema_says(problem: dict) -> bool:
    """Whether each thing that the problem complains about is in the lists above."""
    if problem.get("code") in BY_CODE:
        return True
    pointers = [error["pointer"] for error in problem.get("errors", [])]
    return bool(pointers) and all(any(is_in(pointer, member) for member in BY_MEMBER) for pointer in pointers)


def is_in(pointer: str, member: str) -> bool:
    return pointer == member or pointer.startswith(member + "/")


@schemathesis.check
def what_fits_the_description_is_accepted(ctx, response, case):
    """The built-in `positive_data_acceptance`, but for the lists above."""
    if response.status_code in (400, 410, 412, 422):
        if is_about_what_no_schema_says(problem_of(response)):
            return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def what_violates_the_description_is_refused(ctx, response, case):
    """The built-in `negative_data_rejection`. But a member that is `null` counts as one that is left out,
    which the description does not offer: clients that have it get by without a third kind of nothing."""
    if response.status_code < 300 and has_null(case.body):
        return None
    return negative_data_rejection(ctx, response, case)


def has_null(value: object) -> bool:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(member is None or has_null(member) for member in members)


@schemathesis.check
def no_fault_of_the_server(ctx, response, case):
    """The built-in `not_a_server_error`, but for the list above."""
    if (response.status_code, problem_of(response).get("code")) in BY_DESIGN:
        return None
    return not_a_server_error(ctx, response, case)


def problem_of(response) -> dict:
    is_problem = response.headers.get("content-type") == ["application/problem+json"]
    return response.json() if is_problem else {}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Answers that do not end, and waits for what may never come, would use up the time."""
    query = case.query if isinstance(case.query, dict) else {}
    if str(query.get("follow")).lower() == "true":
        query["follow"] = "false"
    span = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|min|h|d)", str(query.get("wait")))
    if span and 0.5 < float(span[1]) * SECONDS[span[2]] <= 3600:
        query["wait"] = "500ms"


SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
