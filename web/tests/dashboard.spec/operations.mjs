// What takes time: its progress where it was asked for and on a page of its own, and how the rest of
// it is left undone.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { accessible, browser, live, logInBy, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

const NAMES = ["a", "b", "c", "d"];

let daemon;
let chrome;
let context;
let page;
let violations;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  // It takes a second to end, so that there is a progress to be seen.
  const slow = `${daemon.home}/slow.sh`;
  await writeFile(slow, "trap 'sleep 1; exit 0' TERM\nwhile :; do sleep 0.1; done\n");
  for (const name of NAMES) await daemon.cli("start", slow, "--name", name, "--interpreter", "sh");
  ({ context, page, violations, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const pids = async () => JSON.parse(await daemon.cli("list", "--json")).map((one) => one.pid);
const good = async (what) => {
  await accessible(page, what);
  await narrow(page, what);
};
const states = (page) => page.locator("#operation tbody .state").allInnerTexts();

/** Restarts all, one after the other; gives the number of that operation. */
const oneByOne = () =>
  page.evaluate(async (refs) => {
    const order = { action: "restart", refs, strategy: { max_parallel: 1 } };
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/api/v1/operations", { method: "POST", headers, body: JSON.stringify(order) });
    return (await answer.json()).operation;
  }, NAMES);

test("a restart of many shows its progress where it was asked for", async () => {
  await live(page);
  await page.evaluate(() => (document.documentElement.dataset.mark = "kept"));
  const before = await pids();
  await page.getByLabel("Mark all that are shown").check();
  await page.locator("#bulk").getByRole("button", { name: "Restart" }).click();
  await page.getByRole("dialog", { name: "Restart 4 processes?" }).getByRole("button", { name: "Restart" }).click();
  const line = page.locator(".under-way");
  await line.getByText("0 of 4 done").waitFor();
  await good("the list with an operation under way");
  assert.match(await line.getByRole("link", { name: "Restart of 4 processes" }).getAttribute("href"), /^\/operations\/\d+$/);
  await line.getByText("4 of 4 done").waitFor();
  await page.locator("#toast").getByText("Restart of 4 processes: done.").waitFor();
  await line.waitFor({ state: "detached" });
  assert.ok((await pids()).every((pid, at) => pid && pid !== before[at]), "not all were restarted");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), "kept", "the page was reloaded");
});

test("who comes while it goes on sees it, and can leave the rest undone", async () => {
  await oneByOne();
  await page.goto(`${address}/apps/a`);
  const line = page.locator(".under-way");
  await line.getByText(/^[01] of 4 done$/).waitFor();
  await line.getByRole("button", { name: "Cancel the rest" }).click();
  await line.getByText(/not begun/).waitFor();
  await line.getByRole("button", { name: "Dismiss" }).click();
  await line.waitFor({ state: "detached" });
});

test("the page of an operation tells how far each process is, by itself", async () => {
  await page.goto(`${address}/operations/${await oneByOne()}`);
  await live(page);
  await page.evaluate(() => (document.documentElement.dataset.mark = "kept"));
  await page.getByRole("heading", { name: "Restart of 4 processes" }).waitFor();
  await until("it is on its way", async () => {
    const now = (await states(page)).map((word) => word.trim());
    return now[0] === "done" && now[3] === "waiting";
  });
  await page.getByRole("button", { name: "Cancel what has not begun" }).click();
  await page.locator("#operation .panel .state").getByText("cancelled").waitFor();
  await good("a cancelled operation");
  await until("the last one was left", async () => (await states(page)).at(-1).trim() === "left");
  assert.equal(await page.getByRole("button", { name: "Cancel what has not begun" }).count(), 0);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), "kept", "the page was reloaded");
});

test("all of them are listed, by state if one wants", async () => {
  await page.goto(`${address}/operations`);
  await live(page);
  const rows = page.locator("#operations tbody tr");
  assert.equal(await rows.count(), 3);
  await good("the operations");
  await page.getByRole("link", { name: "Cancelled" }).click();
  await page.waitForURL(`${address}/operations?state=cancelled`);
  assert.equal(await rows.count(), 2);
  assert.match(await rows.first().innerText(), /a, b, c, 1 more/);
  await page.goto(`${address}/operations`);
  await live(page);
  await daemon.cli("restart", "d");
  await rows.first().getByRole("link", { name: "Restart of d" }).waitFor();
  assert.equal((await page.goto(`${address}/operations?state=nonsense`)).status(), 400);
});

test("it is cancelled without script, too", async () => {
  const plain = await chrome.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const bare = await plain.newPage();
  await bare.goto(`${address}/operations/${await oneByOne()}`);
  await bare.getByRole("link", { name: "Look again" }).click();
  await bare.getByRole("button", { name: "Cancel what has not begun" }).click();
  await until("it is over", async () => {
    await bare.getByRole("link", { name: "Look again" }).click();
    return (await bare.locator("#operation .panel .state").innerText()).trim() === "cancelled";
  });
  await plain.close();
});

test("who may only look sees the progress and cannot cancel", async () => {
  const secret = (await daemon.cli("token", "create", "eye", "--role", "viewer")).trim();
  const other = await chrome.newContext();
  const theirs = await other.newPage();
  await theirs.goto(`${address}/login`);
  await logInBy(theirs, secret);
  const id = await oneByOne();
  await theirs.goto(`${address}/operations/${id}`);
  await until("one is done", async () => (await states(theirs))[0].trim() === "done");
  assert.equal(await theirs.getByRole("button", { name: /Cancel/ }).count(), 0);
  const tried = (path) => theirs.evaluate((path) => fetch(path, { method: "POST" }).then((answer) => answer.status), path);
  assert.equal(await tried(`/operations/${id}/cancel`), 403);
  await other.close();
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
