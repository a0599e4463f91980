// One life of an app as somebody sees it in the browser, from the login link to the log out. Nothing
// is reloaded on the way: what changes, changes by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SOON, accessible, browser, fixture, freePort, narrow, ownDaemon, until, watch } from "../support.mjs";

let daemon;
let chrome;
let page;
let violations;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  page = await chrome.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(SOON);
  violations = await watch(page);
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const row = () => page.locator("#rows > tr", { has: page.getByRole("link", { name: "web", exact: true }) });
const cell = (name) => row().locator(`.c-${name}`).innerText();
const state = (word) => until(`web is ${word}`, async () => (await cell("state")).trim() === word);
const count = () => row().locator(".count").innerText();

/** The document would lose this mark if it were loaded again. */
const mark = () => page.evaluate(() => (document.documentElement.dataset.mark = "kept"));
const notReloaded = async () =>
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), "kept", "the page was reloaded");

test("the link from the terminal logs in with one click", async () => {
  await daemon.cli("start", fixture("server.js"), "--name", "web");
  const told = await daemon.cli("web", "--port", String(await freePort()), "--detach");
  const link = told.match(/https?:\/\/\S+\/login\/once\?code=[\w-]+/)?.[0];
  assert.ok(link, `no login link in: ${told}`);
  address = new URL(link).origin;

  await page.goto(link);
  await accessible(page, "the page behind the link");
  await narrow(page, "the page behind the link");
  await page.getByRole("button", { name: /log in/i }).click();
  await page.waitForURL(`${address}/`);
  assert.ok(!page.url().includes("code="));

  const again = await chrome.newContext();
  const other = await again.newPage();
  await other.goto(link);
  await other.getByRole("button", { name: /log in/i }).click();
  await other.goto(`${address}/`);
  assert.match(other.url(), /\/login/, "the link worked twice");
  await again.close();
});

test("the app is there, online, with its numbers, and the view is live", async () => {
  await state("online");
  await until("the view is live", async () => (await page.locator("#pause-text").innerText()) === "Live");
  await mark();
  assert.match(await cell("pid"), /^\d+$/);
  await until("memory is measured", async () => /^[\d.]+ [KMG]iB$/.test(await cell("mem")));
  await until("its course is drawn", async () => /\d,\d+ \d/.test(await page.locator("#rows .spark polyline").first().getAttribute("points")));
  await until("cpu is measured", async () => /^[\d.]+%$/.test((await cell("cpu")).trim()));
  const first = await cell("up");
  await until("time goes on", async () => (await cell("up")) !== first);
  assert.match(await page.locator("#host-mem").innerText(), /[\d.]+ [MGT]iB/);
});

test("a killed app comes back before one's eyes", async () => {
  const pid = Number(await cell("pid"));
  assert.equal(await count(), "0");
  process.kill(pid, "SIGKILL");
  await until("it was restarted once", async () => (await count()) === "1");
  await state("online");
  const fresh = await until("it has another pid", async () => {
    const now = Number(await cell("pid"));
    return now && now !== pid && now;
  });
  process.kill(fresh, 0);
  assert.match(await row().innerText(), /SIGKILL/, "the reason is told");
  await notReloaded();
});

test("stop and start work in place", async () => {
  const pid = Number(await cell("pid"));
  await row().getByRole("button", { name: "Stop web", exact: true }).click();
  await state("stopped");
  assert.equal(await cell("pid"), "-");
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  await row().getByRole("button", { name: "Start web", exact: true }).click();
  await state("online");
  await notReloaded();
});

test("a new app and a deleted one come and go by themselves", async () => {
  await daemon.cli("start", fixture("server.js"), "--name", "second");
  const second = page.getByRole("link", { name: "second", exact: true });
  await second.waitFor();
  await daemon.cli("delete", "second", "--force");
  await second.waitFor({ state: "detached" });
  await notReloaded();
});

test("filter and keyboard reach everything", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("nothing-like-it");
  await page.getByText("No process matches").waitFor();
  assert.match(page.url(), /\?q=nothing-like-it$/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "TR");
  const before = Number(await cell("pid"));
  await page.keyboard.press("r");
  await until("r restarted it", async () => {
    const now = Number(await cell("pid"));
    return now && now !== before;
  });
  await state("online");
});

test("the list has no accessibility findings and fits 320 px", async () => {
  await accessible(page, "the list");
  await narrow(page, "the list");
});

test("logs and the API reference are pages of the same quality", async () => {
  await row().getByRole("link", { name: "Logs of web" }).click();
  await page.getByText("listening on").first().waitFor();
  await accessible(page, "the log page");
  await narrow(page, "the log page");
  await page.goto(`${address}/docs`);
  await page.getByText("API reference").first().waitFor();
  await accessible(page, "the API reference");
  await narrow(page, "the API reference");
});

test("stop works without script", async () => {
  const plain = await chrome.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  const bare = await plain.newPage();
  await bare.goto(`${address}/`);
  await bare.getByRole("button", { name: "Stop web", exact: true }).click();
  await bare.waitForURL(`${address}/**`);
  await until("it is stopped", async () => {
    await bare.goto(`${address}/`);
    return bare.getByRole("button", { name: "Start web", exact: true }).isVisible();
  });
  await plain.close();
});

test("logging out ends the session", async () => {
  await page.goto(`${address}/`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL(/\/login/);
  await accessible(page, "the login page");
  await narrow(page, "the login page");
  await page.goto(`${address}/`);
  assert.match(page.url(), /\/login/);
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
