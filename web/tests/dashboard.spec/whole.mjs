// The whole of it in one sitting, as somebody uses it on a real server with real services: from the
// link in the terminal to the log out, and then somebody who may only look.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { browser, fixture, live, logInBy, loggedIn, ownDaemon, pid, row, state, until } from "../support.mjs";

let daemon;
let chrome;
let page;
let violations;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  // Answers over HTTP, and dies of one of the questions.
  await writeFile(
    `${daemon.home}/shop.mjs`,
    `import { createServer } from "node:http";
createServer((request, answer) => {
  console.log("asked for", request.url);
  answer.end("here");
  if (request.url === "/die") {
    console.error("cannot reach the database");
    process.exit(9);
  }
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("open on", process.env.PORT));
`,
  );
  for (const name of ["one", "two"]) await daemon.cli("start", fixture("loop.sh"), "--name", name);
  ({ page, violations, address } = await loggedIn(daemon, chrome)); // by the one-time link
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const mark = (value) => page.evaluate((value) => (document.documentElement.dataset.mark = value), value);
const marked = () => page.evaluate(() => document.documentElement.dataset.mark);

test("an app is started by the form, and is online in a tab that was open all the time", async () => {
  await live(page);
  await mark("list");
  const form = await page.context().newPage();
  await form.goto(`${address}/apps/new`);
  await form.getByLabel("Script or command").fill(`${daemon.home}/shop.mjs`);
  await form.getByLabel("Name", { exact: true }).fill("shop");
  await form.getByText("More settings").click();
  await form.getByLabel("Port").fill("auto:43100-43900");
  await form.locator("#checked code", { hasText: "--port" }).waitFor();
  await form.getByRole("button", { name: "Start it" }).click();
  await form.waitForURL(`${address}/apps/default:shop`);
  await form.close();
  await state(page, "shop", "online");
  assert.equal(await marked(), "list", "the page was reloaded");
});

test("its logs are followed while it is used", async () => {
  await row(page, "shop").getByRole("link", { name: "Logs of shop" }).click();
  await live(page);
  const [, port] = (await page.getByText(/open on \d+/).first().innerText()).match(/open on (\d+)/);
  await mark("logs");
  await fetch(`http://127.0.0.1:${port}/basket`);
  await page.getByText("asked for /basket").waitFor();
  assert.equal(await marked(), "logs", "the page was reloaded");
});

test("it is stopped, started and restarted", async () => {
  await page.goto(`${address}/`);
  await live(page);
  await mark("acts");
  const first = await pid(page, "shop");
  await row(page, "shop").getByRole("button", { name: "Stop shop", exact: true }).click();
  await state(page, "shop", "stopped");
  assert.throws(() => process.kill(first, 0), { code: "ESRCH" });
  await row(page, "shop").getByRole("button", { name: "Start shop", exact: true }).click();
  await state(page, "shop", "online");
  const second = await pid(page, "shop");
  await row(page, "shop").getByRole("button", { name: "Restart shop", exact: true }).click();
  await until("it has another pid", async () => ![0, second].includes(await pid(page, "shop")));
  await state(page, "shop", "online");
  assert.equal(await marked(), "acts", "the page was reloaded");
});

test("several are restarted, with their progress", async () => {
  const before = [await pid(page, "one"), await pid(page, "two")];
  for (const name of ["one", "two"]) await page.getByLabel(`Mark ${name}`).check();
  await page.locator("#bulk").getByRole("button", { name: "Restart" }).click();
  const dialog = page.getByRole("dialog", { name: "Restart 2 processes?" });
  assert.deepEqual(await dialog.getByRole("listitem").allInnerTexts(), ["one", "two"]);
  await dialog.getByRole("button", { name: "Restart" }).click();
  await page.locator(".under-way").getByText("2 of 2 done").waitFor();
  await until("both have other pids", async () => {
    const now = [await pid(page, "one"), await pid(page, "two")];
    return now.every((pid, at) => pid && pid !== before[at]);
  });
});

test("it crashes, and why is told", async () => {
  const port = (await row(page, "shop").locator(".c-port").innerText()).trim();
  await fetch(`http://127.0.0.1:${port}/die`).catch(() => {});
  await until("the crash is counted", async () => /exit code 9/.test(await row(page, "shop").locator(".c-restarts").innerText()));
  await row(page, "shop").getByRole("link", { name: "shop", exact: true }).click();
  await page.getByText(/shop exited with code 9 after/).first().waitFor();
  await page.getByRole("link", { name: "What it wrote before" }).first().click();
  await page.getByText("cannot reach the database").first().waitFor();
});

test("its configuration is edited after a look at what changes, and rolled back", async () => {
  await page.goto(`${address}/apps/shop/update`);
  await page.getByLabel("Killed after").fill("3s");
  const checked = page.locator("#checked");
  assert.deepEqual(await until("what changes is shown", async () => {
    const told = await checked.locator("dt").allInnerTexts();
    return told.length && told;
  }), ["Killed after"]);
  await checked.getByText("3s").waitFor();
  await checked.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForURL(`${address}/apps/default:shop`);
  const timeout = async () => JSON.parse(await daemon.cli("info", "shop", "--json")).kill_timeout_ms;
  assert.equal(await timeout(), 3000);
  await page.goto(`${address}/apps/shop/revisions`);
  await page.getByRole("link", { name: "Roll back to revision 1" }).click();
  await page.getByRole("button", { name: "Roll back" }).click();
  await page.waitForURL(/\/revisions$/);
  assert.equal(await timeout(), 10_000);
});

test("after the log out nothing is shown any more", async () => {
  await page.goto(`${address}/`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL(/\/login/);
  await page.goto(`${address}/apps/shop`);
  assert.match(page.url(), /\/login/);
});

test("a viewer sees everything and cannot act", async () => {
  const secret = (await daemon.cli("token", "create", "eye", "--role", "viewer")).trim();
  await logInBy(page, secret);
  await page.goto(`${address}/`);
  await live(page);
  await state(page, "shop", "online");
  assert.equal(await page.getByRole("button", { name: /^(Start|Stop|Restart) / }).count(), 0);
  assert.equal(await page.getByRole("checkbox", { name: /^Mark / }).count(), 0);
  const post = (path) => page.evaluate((path) => fetch(path, { method: "POST" }).then((answer) => answer.status), path);
  for (const path of ["/apps/shop/stop", "/bulk", "/apps/new", "/apps/shop/update", "/apps/shop/rollback", "/apps/shop/delete", "/api/v1/apps/shop/stop"]) {
    assert.equal(await post(path), 403, path);
  }
  await state(page, "shop", "online");
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
