// Everything by the keyboard, on a phone, and while pmdaemon is away for a moment.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessible, browser, fixture, live, loggedIn, narrow, ownDaemon, pid, row, state, until } from "../support.mjs";

let daemon;
let chrome;
let page;
let violations;
let address;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  await daemon.cli("start", fixture("loop.sh"), "--name", "zebra");
  await daemon.cli("start", fixture("loop.sh"), "--name", "ant");
  ({ page, violations, address } = await loggedIn(daemon, chrome));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const focused = () => page.evaluate(() => document.activeElement.closest("tr")?.querySelector(".c-name a").textContent);
const order = () => page.locator("#rows > tr .c-name a").allInnerTexts();

test("j and k go from row to row, and what is pressed there is done to that row", async () => {
  await live(page);
  await page.keyboard.press("j");
  assert.equal(await focused(), "zebra");
  await page.keyboard.press("j");
  assert.equal(await focused(), "ant");
  await page.keyboard.press("k");
  assert.equal(await focused(), "zebra");
  const before = await pid(page, "zebra");
  await page.keyboard.press("r");
  await until("r restarted it", async () => ![0, before].includes(await pid(page, "zebra")));
  await state(page, "zebra", "online");
  assert.equal(await focused(), "zebra", "the focus was lost");
  await page.keyboard.press("s");
  await state(page, "zebra", "stopped");
  await page.keyboard.press("s");
  await state(page, "zebra", "online");
  assert.equal((await row(page, "ant").locator(".state").innerText()).trim(), "online");
  await page.keyboard.press("x");
  await page.getByText("1 process marked").waitFor();
  await page.keyboard.press("x");
  await page.locator("#bulk").waitFor({ state: "hidden" });
  await page.keyboard.press("l");
  await page.waitForURL(/\/apps\/\d+\/logs$/);
});

test("space pauses, ? helps, / filters, and letters can be switched off", async () => {
  await page.goto(`${address}/`);
  await live(page);
  await page.locator("main").focus();
  await page.keyboard.press("Space");
  await until("it is paused", async () => (await page.locator("#pause-text").innerText()) === "Paused");
  await page.keyboard.press("Space");
  await live(page);
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await help.getByLabel("Single-letter keys").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  assert.equal(await focused(), undefined, "j did something");
  await page.keyboard.press("Control+k"); // not a single letter
  await page.getByRole("option", { name: /Events/ }).first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator("[data-dialog=help]").click();
  await help.getByLabel("Single-letter keys").check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("ant");
  await until("only ant is left", async () => (await page.locator("#rows > tr:visible").count()) === 1);
});

test("what is typed before the palette has its entries is for the palette, not for the page", async () => {
  await page.goto(`${address}/`);
  await live(page);
  let release;
  const released = new Promise((done) => (release = done));
  await page.route("**/palette.js", async (route) => {
    await released;
    await route.fallback();
  });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("events");
  assert.equal(await page.locator("#palette-word").inputValue(), "events");
  release();
  await page.getByRole("option", { name: /Events/ }).first().waitFor();
  await page.unroute("**/palette.js");
  await page.keyboard.press("Escape");
});

test("the palette does things, too", async () => {
  await page.goto(`${address}/apps/ant`);
  await live(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("stop");
  await page.getByRole("option", { name: /^Stop/ }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("It is stopped", { exact: false }).first().waitFor();
  await daemon.cli("start", "ant");
});

test("on a phone rows are put in order by a choice", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${address}/`);
  await live(page);
  assert.deepEqual(await order(), ["zebra", "ant"]);
  await page.getByLabel("Sort").selectOption({ label: "by name" });
  await until("they are in order", async () => (await order()).join() === "ant,zebra");
  assert.match(page.url(), /\?sort=name$/);
  await page.reload();
  assert.deepEqual(await order(), ["ant", "zebra"], "the address says it");
  assert.equal(await page.getByLabel("Sort").inputValue(), "name");
  await accessible(page, "the list on a phone");
  await narrow(page, "the list on a phone");
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.equal(await page.getByLabel("Sort").isVisible(), false, "the headings have room");
});

test("when the daemon dies the page says so, and goes on when it is back", async () => {
  await page.goto(`${address}/`);
  await live(page);
  await page.evaluate(() => (document.documentElement.dataset.mark = "kept"));
  // No new connection until all has been looked at.
  await page.context().setOffline(true);
  const { daemon: about } = JSON.parse(await daemon.cli("status", "--json"));
  process.kill(about.pid, "SIGKILL");
  await page.locator("#banner").getByText("Connection lost").waitFor();
  assert.equal(await page.locator("#pause-text").innerText(), "Offline");
  await accessible(page, "the list without a connection");
  await daemon.cli("stop", "zebra");
  await page.context().setOffline(false);
  await live(page);
  assert.equal(await page.locator("#banner").isVisible(), false);
  await state(page, "zebra", "stopped");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), "kept", "the page was reloaded");
});

test("a page that another pmdaemon has left behind says that it is to be reloaded", async () => {
  await page.goto(`${address}/`);
  await live(page);
  // Another version serves nothing of this one: what was not fetched before is not there any more.
  await page.route("**/assets/**", (route) => route.fulfill({ status: 404 }));
  await row(page, "ant").getByRole("button", { name: "Restart ant" }).click();
  await page.locator("#toast").getByText("reload this page").waitFor();
  await page.unroute("**/assets/**");
  await page.reload();
  await row(page, "ant").getByRole("button", { name: "Restart ant" }).click();
  await page.locator("#toast").getByText("Restarting ant").waitFor();
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
