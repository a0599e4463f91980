// The page of alerts: a channel and a rule are added by its forms, and what fires comes and goes by itself.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { accessible, browser, fixture, live, logInBy, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

let daemon;
let chrome;
let context;
let page;
let violations;
let address;

const SECRET = "canary-77c1-0123456789";

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  ({ context, page, violations, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const good = async (what) => {
  await accessible(page, what);
  await narrow(page, what);
};

const section = (title) => page.locator("section", { has: page.getByRole("heading", { name: title, exact: true }) });

test("a form says at each field what is wrong, and keeps what was typed but for secrets", async () => {
  await page.getByRole("link", { name: "Alerts", exact: true }).click();
  await page.waitForURL(`${address}/alerts`);
  await page.getByText("Nothing fires.").waitFor();
  await good("alerts of nothing");
  await page.getByText("Add a rule").click();
  const rules = section("Rules");
  await rules.getByLabel("Name", { exact: true }).fill("memory");
  assert.equal(await rules.getByLabel("Memory for").isVisible(), false, "it belongs to another condition");
  await rules.getByLabel("When").selectOption("memory");
  await rules.getByLabel("Memory above, %").fill("80");
  await rules.getByLabel("Memory for").fill("soon");
  await rules.getByLabel("Told again after").fill("later");
  await rules.getByRole("button", { name: "Add the rule" }).click();
  await page.locator("#e-rule-when-memory-for_ms", { hasText: "soon" }).waitFor();
  await page.locator("#e-rule-cool_down_ms", { hasText: "later" }).waitFor();
  assert.equal(await rules.getByLabel("Memory above, %").inputValue(), "80");
  await good("the form of a rule with mistakes");

  await page.goto(`${address}/alerts`);
  await page.getByText("Add a channel").click();
  const channels = section("Channels");
  await channels.getByLabel("Name", { exact: true }).fill("hook");
  await channels.getByLabel("URL", { exact: true }).fill("ftp://hooks.example/");
  await channels.getByLabel("Key of the signature").fill(SECRET);
  await channels.getByLabel("Headers").fill(`Authorization=${SECRET}`);
  await channels.getByRole("button", { name: "Add the channel" }).click();
  await page.locator("#e-channel-webhook-url", { hasText: "http" }).waitFor();
  assert.equal(await channels.getByLabel("Name", { exact: true }).inputValue(), "hook");
  assert.ok(!(await page.content()).includes(SECRET), "a secret came back");
  await good("the form of a channel with a mistake");
});

test("a channel and a rule are added, and a crash is seen to fire and to be over without reloading", async () => {
  const told = `${daemon.home}/told`;
  const tell = `${daemon.home}/tell.sh`;
  await writeFile(tell, `#!/bin/sh\ncat >> ${told}\n`, { mode: 0o755 });
  await page.goto(`${address}/alerts`);
  await page.getByText("Add a channel").click();
  const channels = section("Channels");
  await channels.getByLabel("Name", { exact: true }).fill("ops");
  await channels.getByLabel("Receiver").selectOption("command");
  await channels.getByLabel("Program and arguments").fill(`/bin/sh\n${tell}`);
  await channels.getByRole("button", { name: "Add the channel" }).click();
  await channels.getByRole("button", { name: "Test ops" }).click();
  await page.locator("#toast", { hasText: "Test of ops: done." }).waitFor();
  assert.ok((await readFile(told, "utf8")).length > 0);

  await page.getByText("Add a rule").click();
  const rules = section("Rules");
  await rules.getByLabel("Name", { exact: true }).fill("crashes");
  await rules.getByLabel("Severity").selectOption("critical");
  await rules.getByLabel("ops").check();
  await rules.getByRole("button", { name: "Add the rule" }).click();
  await rules.getByText("all apps; told to ops").waitFor();
  await live(page);

  // What is typed meanwhile, and whether the page was loaded anew.
  await page.getByText("Add a rule").click();
  await rules.getByLabel("Name", { exact: true }).fill("half typed");
  await page.evaluate(() => (window.isTheSame = true));
  const crash = ["start", fixture("crash.sh"), "--name", "web", "--max-restarts", "1", "--restart-delay", "20"];
  await daemon.cli(...crash).catch(() => {});
  const article = page.getByRole("article").filter({ hasText: "crashes" });
  await article.getByText("about to fail").waitFor();
  await page.getByRole("link", { name: "Alerts 1 firing" }).waitFor();
  await rules.getByText("1 firing").waitFor();
  await good("what fires");
  await until("the channel is told", async () => (await readFile(told, "utf8")).includes("crashes"));
  await daemon.cli("delete", "web");
  await page.getByText("Nothing fires.").waitFor();
  await page.getByRole("heading", { name: "Over" }).waitFor();
  await page.getByRole("link", { name: "Alerts", exact: true }).waitFor();
  assert.equal(await page.evaluate(() => window.isTheSame), true);
  assert.equal(await rules.getByLabel("Name", { exact: true }).inputValue(), "half typed");
  await good("what is over");
});

test("a rule is paused and resumed, and removing asks first", async () => {
  await page.goto(`${address}/alerts`);
  await page.getByRole("button", { name: "Pause crashes" }).click();
  await page.getByRole("button", { name: "Resume crashes" }).click();
  await page.getByRole("button", { name: "Pause crashes" }).waitFor();
  await page.getByRole("link", { name: "Remove ops…" }).click();
  await good("the question");
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("alert").filter({ hasText: "crashes" }).waitFor();
  await page.getByRole("link", { name: "Remove crashes…" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.waitForURL(`${address}/alerts`);
  await page.getByRole("link", { name: "Remove ops…" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("link", { name: "Remove ops…" }).waitFor({ state: "detached" });
});

test("the forms work without script", async () => {
  const plain = await chrome.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const bare = await plain.newPage();
  await bare.goto(`${address}/alerts`);
  await bare.getByText("Add a channel").click();
  await bare.locator("#channel-name").fill("plain");
  await bare.locator("#channel-kind").selectOption("command");
  await bare.locator("#channel-command").fill("/bin/false");
  await bare.getByRole("button", { name: "Add the channel" }).click();
  await bare.getByRole("button", { name: "Test plain" }).click();
  await bare.getByRole("alert").waitFor();
  await bare.getByText("Add a rule").click();
  await bare.locator("#rule-name").fill("plain-rule");
  await bare.locator("#rule-when").selectOption("restart_loop");
  await bare.locator("#rule-when-restart_loop-restarts").fill("3");
  await bare.getByRole("button", { name: "Add the rule" }).click();
  await bare.getByText("told to nobody").waitFor();
  await plain.close();
});

test("a viewer sees what fires in their namespaces, and neither rules nor channels", async () => {
  const crash = ["start", fixture("crash.sh"), "--max-restarts", "1", "--restart-delay", "20"];
  await daemon.cli("alert", "add", "crashes", "--errored");
  await daemon.cli(...crash, "--name", "seen", "--namespace", "shop").catch(() => {});
  await daemon.cli(...crash, "--name", "hidden", "--namespace", "other").catch(() => {});
  await until("both fire", async () => JSON.parse(await daemon.cli("alert", "--json")).filter(({ state }) => state === "firing").length === 2);
  const secret = (await daemon.cli("token", "create", "look", "--role", "viewer", "--namespace", "shop")).trim();
  const other = await chrome.newContext();
  const theirs = await other.newPage();
  await theirs.goto(`${address}/login`);
  await logInBy(theirs, secret);
  await theirs.goto(`${address}/alerts`);
  await theirs.getByRole("article").filter({ hasText: "seen" }).waitFor();
  assert.equal(await theirs.getByRole("article").count(), 1);
  await theirs.getByRole("link", { name: "Alerts 1 firing" }).waitFor();
  assert.equal(await theirs.locator("form:not([action='/logout'],[method=dialog])").count(), 0);
  const tried = await theirs.evaluate(() =>
    fetch("/alerts/rules/remove", { method: "POST", body: new URLSearchParams({ name: "crashes" }) }).then((answer) => answer.status),
  );
  assert.equal(tried, 403);
  await other.close();
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
