// The configuration of an app: edited with what changes before the eyes, and rolled back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessible, browser, fixture, logInBy, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

let daemon;
let chrome;
let context;
let page;
let violations;
let address;

const CANARY = "canary-91c2";
const EVIL = `<img src=x onerror=alert(1)><b hx-post="/logout" hx-trigger="load">`;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  await daemon.cli("start", fixture("loop.sh"), "--name", "web", "--env", `KEY=${CANARY}`, "--env", "OLD=1", "--", "one", "two words");
  ({ context, page, violations, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const info = async (name) => JSON.parse(await daemon.cli("info", name, "--json"));
const checked = (page) => page.locator("#checked");
const good = async (what) => {
  await accessible(page, what);
  await narrow(page, what);
};

test("the form holds everything as it is, and nothing differs", async () => {
  await page.goto(`${address}/apps/web/config`);
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.waitForURL(`${address}/apps/default:web/update`);
  await checked(page).getByText("Nothing differs from revision 1 yet.").waitFor();
  assert.equal(await page.getByLabel("Arguments", { exact: true }).inputValue(), "one 'two words'");
  assert.equal(await page.getByLabel("Environment", { exact: true }).inputValue(), "KEY=***\nOLD=***");
  assert.equal(await page.getByLabel("Killed after").inputValue(), "10s");
  assert.ok(!(await page.content()).includes(CANARY), "the value of a variable is on the page");
  await good("the form of a definition");
  // As it is: an update without a difference.
  await page.getByLabel("Killed after").fill("10000ms");
  await until("it was looked at", async () => {
    const answer = page.waitForResponse(/\/check$/);
    await page.getByLabel("Killed after").fill("10s");
    await page.getByLabel("Killed after").fill("10000ms");
    return (await answer).ok();
  });
  await checked(page).getByText("Nothing differs from revision 1 yet.").waitFor();
});

test("what is wrong is said while one types, and cannot be saved", async () => {
  await page.getByLabel("Asked to end by").fill(`SIGNOPE${EVIL}`);
  await page.locator("#e-kill_signal").getByText("SIGNOPE").waitFor();
  assert.equal(await checked(page).locator("[name=then]").count(), 0);
  await good("the form with a mistake");
  await page.getByLabel("Asked to end by").fill("SIGINT");
  await page.getByLabel("Environment", { exact: true }).fill("KEY=***\nNEW=***");
  await page.locator("#e-env").getByText("NEW has no value yet").waitFor();
});

test("what changes is shown, then saved, and what runs restarts", async () => {
  const before = await info("web");
  await page.getByLabel("Environment", { exact: true }).fill(`KEY=***\nNEW=${EVIL}`);
  await page.getByLabel("Killed after").fill("3s");
  await checked(page).getByText("Variable NEW").waitFor();
  await checked(page).getByText("3s").waitFor();
  const told = await checked(page).locator("dt").allInnerTexts();
  assert.deepEqual(told.sort(), ["Asked to end by", "Killed after", "Variable NEW", "Variable OLD"]);
  await good("the form with what changes");
  assert.equal((await info("web")).revision, 1, "nothing was saved yet");
  await checked(page).getByRole("button", { name: "Save and restart" }).click();
  await page.waitForURL(`${address}/apps/default:web`);
  await page.getByText("It is online.").waitFor();
  const now = await info("web");
  assert.deepEqual([now.revision, now.kill_signal, now.kill_timeout_ms], [2, "SIGINT", 3000]);
  assert.deepEqual(Object.keys(now.env), ["KEY", "NEW"]);
  assert.notEqual(now.processes[0].pid, before.processes[0].pid, "it was not restarted");
  assert.deepEqual(now.args.slice(-2), ["one", "two words"]);
});

test("a value that nobody typed anew is still what it was", async () => {
  const { processes } = await info("web");
  const { readFile } = await import("node:fs/promises");
  const env = (await readFile(`/proc/${processes[0].pid}/environ`, "utf8")).split("\0");
  assert.ok(env.includes(`KEY=${CANARY}`) && env.includes(`NEW=${EVIL}`), "the environment is another");
  assert.ok(!env.includes("OLD=1"), "a removed variable is still there");
});

test("revisions tell who changed what, and lead back", async () => {
  await page.getByRole("navigation", { name: "Pages of this app" }).getByRole("link", { name: "Revisions" }).click();
  await page.getByRole("heading", { name: "Revision 2 now" }).waitFor();
  assert.equal(await page.locator(".revisions > li").count(), 2);
  await page.locator("#r-2").getByText("Killed after").waitFor();
  assert.ok(!(await page.content()).includes(CANARY));
  await good("the revisions");
  await page.getByRole("link", { name: "Roll back to revision 1" }).click();
  await page.getByRole("heading", { name: "Roll back to revision 1?" }).waitFor();
  await page.getByText("Variable OLD").waitFor();
  await good("the question before going back");
  assert.equal((await info("web")).revision, 2, "nothing was done yet");
  await page.getByRole("button", { name: "Roll back" }).click();
  await page.waitForURL(/\/revisions$/);
  await page.locator("#r-3").getByText("Rolled back to revision 1").waitFor();
  const now = await info("web");
  assert.deepEqual([now.revision, now.kill_signal, Object.keys(now.env)], [3, "SIGTERM", ["KEY", "OLD"]]);
});

test("nobody overwrites what somebody else changed meanwhile", async () => {
  await page.goto(`${address}/apps/web/update`);
  await page.getByLabel("Killed after").fill("7s");
  await checked(page).getByRole("button", { name: "Save" }).first().waitFor();
  await daemon.cli("scale", "web", "2");
  await checked(page).getByRole("button", { name: "Save" }).first().click();
  await page.getByText("Somebody changed the definition since this form was opened.").waitFor();
  assert.equal(await page.getByLabel("Killed after").inputValue(), "7s", "what was typed is gone");
  assert.equal((await info("web")).kill_timeout_ms, 10_000);
  await page.getByRole("link", { name: "Open it anew" }).click();
  await checked(page).getByText("Nothing differs from revision 4 yet.").waitFor();
});

test("an old form cannot go back over somebody else's change", async () => {
  await page.goto(`${address}/apps/web/rollback?revision=1`);
  await daemon.cli("scale", "web", "3");
  await page.getByRole("button", { name: "Roll back" }).click();
  await page.getByText("somebody changed it meanwhile").waitFor();
  assert.equal((await info("web")).processes.length, 3);
});

test("without script the change is shown before it is saved", async () => {
  const plain = await chrome.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const bare = await plain.newPage();
  await bare.goto(`${address}/apps/web/update`);
  await bare.getByLabel("Killed after").fill("4s");
  await bare.getByRole("button", { name: "Show what changes" }).last().click();
  await bare.locator("#checked").getByText("4s").waitFor();
  assert.equal((await info("web")).kill_timeout_ms, 10_000, "it was saved at once");
  // Changed once more: that was not shown, so it is not saved.
  await bare.getByLabel("Killed after").fill("5s");
  await bare.locator("#checked").getByRole("button", { name: "Save" }).first().click();
  await bare.locator("#checked").getByText("5s").waitFor();
  assert.equal((await info("web")).kill_timeout_ms, 10_000, "something else was saved than was shown");
  await bare.locator("#checked").getByRole("button", { name: "Save" }).first().click();
  await bare.waitForURL(`${address}/apps/default:web`);
  assert.equal((await info("web")).kill_timeout_ms, 5000);
  await plain.close();
});

test("who may only look sees revisions and no way to change them", async () => {
  const secret = (await daemon.cli("token", "create", "eye", "--role", "operator")).trim();
  const other = await chrome.newContext();
  const theirs = await other.newPage();
  await theirs.goto(`${address}/login`);
  await logInBy(theirs, secret);
  await theirs.goto(`${address}/apps/web/revisions`);
  await theirs.getByRole("heading", { name: "Revision 1", exact: true }).waitFor();
  assert.equal(await theirs.getByRole("link", { name: /^Roll back/ }).count(), 0);
  await theirs.goto(`${address}/apps/web/config`);
  assert.equal(await theirs.getByRole("link", { name: "Edit", exact: true }).count(), 0);
  for (const path of ["/apps/web/update", "/apps/web/rollback?revision=1"]) {
    assert.equal((await theirs.goto(`${address}${path}`)).status(), 403, path);
  }
  await other.close();
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
