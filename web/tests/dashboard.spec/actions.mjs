// What one does to apps: on the page of one, and to many at once. Nothing is done before the names
// were shown, and everything works by the keyboard and without script.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { accessible, browser, fixture, live, loggedIn, narrow, ownDaemon, row, until } from "../support.mjs";

let daemon;
let chrome;
let context;
let page;
let violations;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  await daemon.cli("start", fixture("loop.sh"), "--name", "web", "--instances", "2");
  await daemon.cli("start", fixture("loop.sh"), "--name", "job");
  ({ context, page, violations, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const list = async () => JSON.parse(await daemon.cli("list", "--json"));
const named = async (name) => (await list()).find((one) => one.name === name);

test("the marked processes are named before they are restarted, and only they are", async () => {
  await live(page);
  const before = await list();
  await row(page, "web-0").getByRole("checkbox").check();
  await row(page, "web-1").getByRole("checkbox").check();
  await page.getByText("2 processes marked").waitFor();
  await accessible(page, "the list with marks");
  await page.locator("#bulk").getByRole("button", { name: "Restart" }).click();
  const dialog = page.getByRole("dialog", { name: "Restart 2 processes?" });
  await dialog.waitFor();
  assert.deepEqual(await dialog.getByRole("listitem").allInnerTexts(), ["web-0", "web-1"]);
  await accessible(page, "the question");
  assert.deepEqual((await list()).map((one) => one.pid), before.map((one) => one.pid), "nothing was done yet");
  await dialog.getByRole("button", { name: "Restart" }).click();
  await page.getByText("Restart of 2 processes: done.").waitFor();
  const now = await list();
  for (const old of before) {
    const same = now.find((one) => one.id === old.id).pid === old.pid;
    assert.equal(same, old.name === "job", `${old.name} has ${same ? "the same" : "another"} pid`);
  }
  await page.locator("#bulk").waitFor({ state: "hidden" });
});

test("rows are put together by app", async () => {
  await page.getByLabel("Group").selectOption("app");
  const headings = page.locator("#rows > tr.group");
  await until("there are two groups", async () => (await headings.count()) === 2);
  assert.match(await headings.nth(1).innerText(), /web\s+2 of 2 online/);
  assert.match(page.url(), /\?group=app$/);
  await page.reload();
  assert.equal(await headings.count(), 2, "the address says it");
  await accessible(page, "the list in groups");
  await narrow(page, "the list in groups");
});

test("the page of an app tells how it is, and acts in place", async () => {
  await page.goto(`${address}/apps/web`);
  await live(page);
  await page.getByText("All 2 are online.").waitFor();
  await accessible(page, "the page of an app");
  await narrow(page, "the page of an app");
  await page.evaluate(() => (document.documentElement.dataset.mark = "kept"));
  await page.locator(".do").getByRole("button", { name: "Stop" }).click();
  await page.getByText("Stop: done.").waitFor();
  await page.getByText("All 2 stopped.").waitFor();
  await page.locator(".do").getByRole("button", { name: "Start", exact: true }).click();
  await page.getByText("All 2 are online.").waitFor();
  await page.getByText("More").click();
  await page.getByLabel("Instances").fill("3");
  await page.getByRole("button", { name: "Scale" }).click();
  await row(page, "web-2").waitFor();
  await page.getByText("All 3 are online.").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), "kept", "the page was reloaded");
});

test("a crash is told with its cause, and what was written before", async () => {
  await writeFile(`${daemon.home}/die.sh`, "echo 'cannot reach the database'\nsleep 0.2\nexit 7\n");
  await daemon.cli("start", `${daemon.home}/die.sh`, "--name", "die", "--interpreter", "sh", "--no-autorestart");
  await page.goto(`${address}/apps/die`);
  await page.getByText(/die exited with code 7 after/).first().waitFor();
  await page.getByRole("link", { name: "What it wrote before" }).click();
  await page.getByText("cannot reach the database").first().waitFor();
});

test("configuration and events are pages of the same quality", async () => {
  for (const path of ["/apps/web/config", "/apps/web/events", "/events", "/events?q=exited", "/apps/web/delete"]) {
    await page.goto(`${address}${path}`);
    await accessible(page, path);
    await narrow(page, path);
  }
});

test("everything is reached by the keyboard", async () => {
  await page.goto(`${address}/`);
  await live(page);
  await page.keyboard.press("Control+k");
  await page.locator("#palette-list").getByRole("option").first().waitFor();
  await accessible(page, "the palette");
  await page.keyboard.type("job");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/apps\/\d+$/);
  await page.getByRole("heading", { name: "job" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await page.waitForURL(`${address}/events`);
  await page.keyboard.press("/");
  await page.keyboard.type("job");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${address}/events?q=job`);
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.waitForURL(`${address}/`);
  await live(page);
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("1 process marked").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await accessible(page, "the help");
  await page.keyboard.press("Escape");
});

test("colours are chosen, and stay", async () => {
  await page.emulateMedia({ colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: /^Colours/ }).click();
  await page.getByRole("button", { name: "Colours: light" }).click();
  await page.getByRole("button", { name: "Colours: dark" }).waitFor();
  assert.notEqual(await ground(), light);
  await page.reload();
  assert.notEqual(await ground(), light, "the choice was forgotten");
  await page.getByRole("button", { name: "Colours: dark" }).click();
});

test("a pause holds everything still", async () => {
  await page.goto(`${address}/`);
  await live(page);
  await page.getByRole("button", { name: "Live" }).click();
  await daemon.cli("stop", "job");
  const job = await named("job");
  assert.equal(job.pm2_env?.status ?? job.status, "stopped");
  assert.equal((await row(page, "job").locator(".state").innerText()).trim(), "online");
  await page.getByRole("button", { name: "Paused" }).click();
  await until("what was missed is shown", async () => (await row(page, "job").locator(".state").innerText()).trim() === "stopped");
});

test("many are acted on without script, after a question", async () => {
  const plain = await chrome.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const bare = await plain.newPage();
  await bare.goto(`${address}/?q=web`);
  for (const name of ["Mark web-0", "Mark web-1"]) await bare.getByLabel(name).check();
  await bare.locator("#bulk").getByRole("button", { name: "Stop" }).click();
  await bare.getByRole("heading", { name: "Stop 2 processes?" }).waitFor();
  assert.equal((await named("web-0")).pid > 0, true, "nothing was done yet");
  await bare.getByRole("button", { name: "Stop" }).click();
  await bare.waitForURL(`${address}/`);
  await bare.goto(`${address}/apps/web`);
  await bare.getByText("1 of 3 online, 2 of 3 stopped.").waitFor();
  await plain.close();
});

test("deleting asks, names what goes, and deletes", async () => {
  await page.goto(`${address}/apps/web`);
  await page.getByText("More").click();
  await page.getByRole("link", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete web?" });
  await dialog.waitFor();
  assert.equal(await dialog.getByRole("listitem").count(), 3);
  await accessible(page, "the question before deleting");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(`${address}/`);
  assert.deepEqual((await list()).map((one) => one.name).sort(), ["die", "job"]);
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
