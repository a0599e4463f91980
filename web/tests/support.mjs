// What every browser test needs: a pmdaemon of its own, a browser, and watchers for what must not
// happen on any page.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { chromium } from "playwright-core";

const run = promisify(execFile);

/** Upper bound for anything that a test waits for. */
export const SOON = 15_000;

/** A file below tests/fixtures/apps. */
export const fixture = (name) => fileURLToPath(new URL(`../../tests/fixtures/apps/${name}`, import.meta.url));

/** A pmdaemon in a directory of its own; `cli` runs a command and gives its standard output. */
export async function ownDaemon() {
  const bin = process.env.PMDAEMON_BIN;
  assert.ok(bin && existsSync(bin), "PMDAEMON_BIN must name the pmdaemon to test");
  const home = await mkdtemp(join(tmpdir(), "pmd-web-"));
  const env = { ...process.env, PMDAEMON_HOME: home, NO_COLOR: "1" };
  for (const name of ["PMDAEMON_TOKEN", "PMDAEMON_TOKEN_FILE", "PORT"]) delete env[name];
  const cli = async (...args) => {
    try {
      return (await run(bin, args, { env, cwd: home, timeout: 60_000 })).stdout;
    } catch (error) {
      throw new Error(`pmdaemon ${args.join(" ")} failed: ${error.stderr || error.message}`);
    }
  };
  const end = async () => {
    try {
      await cli("kill");
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  };
  return { cli, end, home };
}

/** A TCP port that nobody uses at this moment. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Chromium without a network life of its own. */
export function browser() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = known.find((path) => path && existsSync(path));
  assert.ok(executablePath, "no Chromium: name one in CHROMIUM");
  const quiet = ["background-networking", "component-update", "sync"].map((what) => `--disable-${what}`);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...quiet];
  return chromium.launch({ executablePath, headless: true, args });
}

/** Collects what no page may do: break its content security policy, throw, open a dialog. */
export async function watch(page) {
  const seen = [];
  await page.exposeFunction("reportViolation", (text) => seen.push(`CSP: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      window.reportViolation(`${event.violatedDirective} blocked ${event.blockedURI} in ${event.sourceFile}`),
    );
  });
  page.on("pageerror", (error) => seen.push(`script: ${error}`));
  page.on("dialog", (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return seen;
}

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** Fails on serious and critical accessibility findings, in both colour schemes. */
export async function accessible(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // Evaluated by the debugger, which the page's policy does not concern.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact));
    const told = bad.map((one) => `${one.id}: ${one.nodes[0].html}: ${one.nodes[0].failureSummary}`);
    assert.deepEqual(told, [], `${what}, ${colorScheme}`);
  }
}

/** Fails when the page scrolls sideways at 320 px. */
export async function narrow(page, what) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const [content, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= room, `${what} is ${content} px wide in ${room} px`);
  await page.setViewportSize(before);
}

/** Waits until `probe` gives something true, and gives it back. */
export async function until(what, probe) {
  const deadline = Date.now() + SOON;
  let last;
  while (Date.now() < deadline) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what} did not happen within ${SOON} ms; last seen: ${last}`);
}

/** A browser that is logged in by a link from the terminal: its context, a page at `/`, the address. */
export async function loggedIn(daemon, chrome) {
  const told = await daemon.cli("web", "--port", String(await freePort()), "--detach");
  const link = told.match(/https?:\/\/\S+\/login\/once\?code=[\w-]+/)?.[0];
  assert.ok(link, `no login link in: ${told}`);
  const context = await chrome.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON);
  const violations = await watch(page);
  await page.goto(link);
  await page.getByRole("button", { name: /log in/i }).click();
  const address = new URL(link).origin;
  await page.waitForURL(`${address}/`);
  return { context, page, violations, address };
}

/** Waits until the page gets what changes. */
export const live = (page) => until("the page is live", async () => (await page.locator("#pause-text").innerText()) === "Live");

/** The row of a process in the table. */
export const row = (page, name) => page.locator("#rows > tr", { has: page.getByRole("link", { name, exact: true }) });

/** Waits until that row says that state. */
export const state = (page, name, word) =>
  until(`${name} is ${word}`, async () => (await row(page, name).locator(".state").innerText()).trim() === word);

/** The pid that row says; 0 when nothing runs. */
export const pid = async (page, name) => Number(await row(page, name).locator(".c-pid").innerText()) || 0;

/** Fills in the form of the login page with a token, and leaves it. */
export async function logInBy(page, token) {
  await page.locator("input[name=token]").fill(token);
  await page.locator("form", { has: page.locator("input[name=token]") }).getByRole("button").click();
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
}
