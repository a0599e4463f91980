// Every page is valid HTML, as the server sends it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { HtmlValidate } from "html-validate";

import { browser, fixture, loggedIn, ownDaemon } from "../support.mjs";

let daemon;
let chrome;
let context;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  await daemon.cli("start", fixture("server.js"), "--name", "web", "--instances", "2", "--port", "auto:42000-42100");
  await daemon.cli("start", fixture("loop.sh"), "--name", "job", "--namespace", "night");
  await daemon.cli("stop", "job");
  await daemon.cli("alert", "channel", "add", "ops", "--command", "--", "/bin/false");
  await daemon.cli("alert", "add", "crashes", "--errored", "--channel", "ops");
  await daemon.cli("start", fixture("crash.sh"), "--name", "broken", "--max-restarts", "1", "--restart-delay", "20").catch(() => {});
  ({ context, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const validator = new HtmlValidate({
  extends: ["html-validate:standard"],
  elements: [
    "html5",
    {
      // The extension of htmx that keeps the socket.
      div: { attributes: { "hx-ws:connect": {} } },
    },
  ],
  rules: {
    // The roles are there because a table that is laid out as cards would lose its own.
    "no-redundant-role": "off",
    "prefer-native-element": "off",
    // A matter of taste, and of white space in templates.
    "no-trailing-whitespace": "off",
    "void-style": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "doctype-style": "off",
    "long-title": "off",
    "no-raw-characters": "off",
    "attr-spacing": "off",
    // Values of ids are ours; names of fields are the API's.
    "valid-id": "off",
    "no-implicit-button-type": "off",
    "require-sri": "off",
    "prefer-tbody": "off",
  },
});

test("what is not valid is found", async () => {
  const report = await validator.validateString("<!doctype html><html lang=en><head><title>x</title></head><body><p><div></p></body></html>");
  assert.ok(report.errorCount > 0);
});

test("every page is valid", async () => {
  const paths = [
    "/", "/?group=app", "/?q=nothing", "/apps/web", "/apps/web/logs", "/apps/web/logs?q=listen", "/apps/web/events",
    "/apps/web/metrics", "/apps/web/config", "/apps/web/delete", "/apps/job", "/apps/new", "/apps/new?port=1&script=x",
    "/apps/web/update", "/apps/web/revisions", "/audit", "/operations", "/operations/1", "/operations?state=running",
    "/logs", "/events", "/alerts", "/alerts/channels/remove?name=ops", "/ports", "/system", "/settings", "/docs", "/login", "/login/once?code=x", "/no/such/page",
  ];
  const wrong = [];
  for (const path of paths) {
    const answer = await context.request.get(`${address}${path}`, { headers: { Accept: "text/html" } });
    const report = await validator.validateString(await answer.text(), path);
    for (const { messages } of report.results) {
      for (const one of messages) wrong.push(`${path}:${one.line} ${one.ruleId}: ${one.message} ${one.selector ?? ""}`);
    }
  }
  assert.deepEqual([...new Set(wrong)].slice(0, 40), []);
});
