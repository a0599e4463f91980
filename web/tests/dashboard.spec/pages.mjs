// The form of a new app, and the pages that show what there is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { accessible, browser, fixture, freePort, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

let daemon;
let chrome;
let context;
let page;
let violations;
let address;

const EVIL = `<img src=x onerror=alert(1)><b hx-post="/logout" hx-trigger="load">"'</b>`;

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

test("a form starts an app, and says what is wrong while one types", async () => {
  await page.getByRole("link", { name: "Start an app", exact: true }).click();
  await page.waitForURL(`${address}/apps/new`);
  await page.getByLabel("Script or command").fill(fixture("server.js"));
  await page.getByLabel("Name", { exact: true }).fill("7up");
  await page.locator("#e-name").getByText("7up").waitFor();
  await good("the form with a mistake");
  await page.getByLabel("Name", { exact: true }).fill("web");
  await until("the mistake is gone", async () => (await page.locator("#e-name").innerText()) === "");
  await page.getByText("More settings").click();
  const port = await freePort();
  await page.getByLabel("Port").fill(String(port));
  await page.getByLabel("Environment").fill(`GREETING=it's ${EVIL}\nSECOND=2`);
  await page.locator("#checked code", { hasText: "SECOND=2" }).waitFor();
  await good("the whole form");
  const line = await page.locator("#checked code").innerText();
  await page.getByRole("button", { name: "Start it" }).click();
  await page.waitForURL(`${address}/apps/default:web`);
  await page.getByText("It is online.").waitFor();

  // The same as a command makes the same app.
  const info = async (name) => JSON.parse(await daemon.cli("info", name, "--json"));
  const own = ({ name, id, processes, cwd, ...rest }) => rest;
  const first = own(await info("web"));
  await daemon.cli("delete", "web", "--force");
  const env = { ...process.env, PMDAEMON_HOME: daemon.home };
  const shell = line.replace(/^pmdaemon /, `${process.env.PMDAEMON_BIN} `);
  await promisify(execFile)("sh", ["-c", shell], { env, cwd: daemon.home });
  assert.deepEqual(own(await info("web")), first);
});

test("what cannot be started is said on the form, which keeps what was typed", async () => {
  await page.goto(`${address}/apps/new?script=/no/such/file`);
  await page.getByRole("button", { name: "Start it" }).click();
  await page.locator("#e-script", { hasText: "/no/such/file" }).waitFor();
  assert.equal(await page.getByLabel("Script or command").inputValue(), "/no/such/file");
});

test("the form works without script", async () => {
  const plain = await chrome.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const bare = await plain.newPage();
  await bare.goto(`${address}/apps/new`);
  await bare.getByLabel("Script or command").fill(fixture("loop.sh"));
  await bare.getByLabel("Name", { exact: true }).fill("plain");
  await bare.getByRole("button", { name: "Start it" }).click();
  await bare.waitForURL(`${address}/apps/default:plain`);
  await plain.close();
});

test("ports and the system are told", async () => {
  await page.goto(`${address}/ports`);
  await page.getByRole("link", { name: "web" }).first().waitFor();
  await good("ports");
  await page.goto(`${address}/system`);
  await page.getByRole("heading", { name: "Disk of the home" }).waitFor();
  await good("the system");
});

test("what an app has used is drawn, said and tabled", async () => {
  await page.goto(`${address}/apps/web/metrics`);
  await until("something was measured", async () => {
    await page.reload();
    return (await page.getByText(/MiB on average, between/).count()) > 0;
  });
  await page.getByText(/It was started \d+ times? and failed 0 times\./).waitFor();
  assert.equal(await page.locator("#pause").count(), 0, "it does not go on by itself, and does not say so");
  const line = await page.locator(".chart .line").first().getAttribute("d");
  assert.match(line, /^M\d/);
  await page.getByText("Show as table").click();
  await page.getByRole("columnheader", { name: "Memory least" }).waitFor();
  await good("charts");
  await page.getByRole("link", { name: "30 days" }).click();
  await page.waitForURL(/range=30d/);
});

test("settings make and revoke tokens, and add users; a viewer cannot act", async () => {
  await page.goto(`${address}/settings`);
  await good("settings");
  const tokens = page.locator("section", { has: page.getByRole("heading", { name: "Tokens" }) });
  await tokens.getByLabel("Name", { exact: true }).fill("ci");
  await tokens.getByRole("button", { name: "Make a token" }).click();
  await page.getByText("it will not be shown again").waitFor();
  const secret = (await page.locator("pre code").innerText()).trim();
  const list = () => fetch(`${address}/api/v1/processes`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await list()).status, 200);

  // Whoever has it may look and no more.
  const other = await chrome.newContext();
  const theirs = await other.newPage();
  await theirs.goto(`${address}/login`);
  await theirs.locator("input[name=token]").fill(secret);
  await theirs.locator("form", { has: theirs.locator("input[name=token]") }).getByRole("button").click();
  await theirs.waitForURL(`${address}/`);
  await theirs.getByRole("link", { name: "web", exact: true }).waitFor();
  assert.equal(await theirs.getByRole("button", { name: /^(Stop|Restart|Start) web/ }).count(), 0);
  assert.equal(await theirs.getByRole("checkbox", { name: "Mark web" }).count(), 0);
  assert.equal(await theirs.getByRole("link", { name: "Start an app" }).count(), 0);
  const tried = await theirs.evaluate(() => fetch("/apps/web/stop", { method: "POST" }).then((answer) => answer.status));
  assert.equal(tried, 403);
  for (const path of ["/apps/web", "/apps/web/config"]) {
    await theirs.goto(`${address}${path}`);
    assert.equal(await theirs.locator(".do").count(), 0, path);
  }
  await other.close();

  await page.goto(`${address}/settings`);
  await page.getByRole("button", { name: "Revoke ci" }).click();
  await page.waitForURL(`${address}/settings`);
  await until("it is void", async () => (await list()).status === 401);
  const users = page.locator("section", { has: page.getByRole("heading", { name: "Users" }) });
  await users.getByLabel("Name", { exact: true }).fill("ann");
  await users.getByLabel("Password").fill("correct horse battery staple");
  await users.getByRole("button", { name: "Add a user" }).click();
  await page.getByRole("button", { name: "Remove ann" }).waitFor();
  await page.getByRole("button", { name: "Remove ann" }).click();
  await page.getByRole("button", { name: "Remove ann" }).waitFor({ state: "detached" });
});

test("the audit tells who did what, and to whom it was refused", async () => {
  await page.goto(`${address}/settings`);
  await page.getByRole("link", { name: "Audit: who did what" }).click();
  await page.waitForURL(`${address}/audit`);
  await page.getByRole("cell", { name: "users.add" }).waitFor();
  await page.getByRole("cell", { name: "refused, 403" }).first().waitFor();
  await good("the audit");
});

test("what users wrote stays text on every page", async () => {
  for (const path of ["/", "/apps/web", "/apps/web/config", "/apps/web/events", "/events", `/?q=${encodeURIComponent(EVIL)}`]) {
    await page.goto(`${address}${path}`);
    assert.equal(await page.locator("main img, main b[hx-post]").count(), 0, path);
  }
  await page.goto(`${address}/events?q=${encodeURIComponent(EVIL)}`);
  assert.equal(await page.locator("#filter").inputValue(), EVIL);
  await page.goto(`${address}/apps/new?script=${encodeURIComponent(EVIL)}&env=${encodeURIComponent(EVIL)}`);
  assert.equal(await page.locator("main img").count(), 0);
  await page.goto(`${address}/`);
  await page.getByRole("button", { name: "Log out" }).waitFor();
});

test("values of variables are on no page", async () => {
  await daemon.cli("start", fixture("loop.sh"), "--name", "secretive", "--env", "KEY=canary-7f3a");
  for (const path of ["/", "/apps/secretive", "/apps/secretive/config", "/apps/secretive/events", "/events"]) {
    const answer = await page.goto(`${address}${path}`);
    assert.ok(!(await answer.text()).includes("canary-7f3a"), path);
  }
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
