// Every page, with services of all kinds that say and are called the worst: nothing of it is more than
// text, nothing breaks the content security policy, everybody can use it, and it fits on a phone.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { accessible, browser, freePort, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

/** What would run, or ask for something, if it were more than text. */
const EVIL = [
  `<img src=x onerror=alert(1)>`,
  `<svg onload=alert(2)>`,
  `</script><script>alert(3)</script>`,
  `"'><a href=javascript:alert(4)>`,
  `<b hx-post="/evil" hx-trigger="load">`,
  `<i data-hx-get="/evil" data-hx-trigger="load">`,
  `<hx-partial hx-target="body" hx-swap="innerHTML">evil</hx-partial>`,
  `{{7*7}} \${7*7} &lt;b&gt;`,
].join(" ");

const PAGES = [
  "/", "/?group=app", `/?q=${encodeURIComponent(EVIL)}`,
  "/apps/web", "/apps/web/logs", `/apps/web/logs?q=${encodeURIComponent("evil")}`, "/apps/web/events",
  "/apps/web/metrics", "/apps/web/config", "/apps/web/update", "/apps/web/revisions",
  "/apps/web/rollback?revision=1", "/apps/web/delete", "/apps/told", "/apps/broken", "/apps/nightly",
  `/apps/new?script=${encodeURIComponent(EVIL)}&env=${encodeURIComponent(`A=${EVIL}`)}&port=x`,
  "/logs", "/events", `/events?q=${encodeURIComponent(EVIL)}`, "/operations", "/operations/1",
  "/ports", "/alerts", "/alerts/rules/remove?name=given-up", "/system", "/settings", "/audit", "/docs", "/no/such/page",
];

let daemon;
let chrome;
let page;
let violations;
let address;
const asked = [];
/** How many frames the present page was sent. */
let told = 0;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  const { cli, home } = daemon;
  const port = await freePort();
  await cli("alert", "channel", "add", "evil", "--command", "--", "/bin/false", EVIL);
  await cli("alert", "add", "given-up", "--errored", "--channel", "evil");
  await cli("alert", "add", "words", "--log", `${EVIL.slice(0, 20)}|onload=alert`, "--channel", "evil");
  // A directory cannot have a slash in its name.
  const there = `${home}/${EVIL.replaceAll("/", "").slice(0, 120)}`;
  await mkdir(there);
  await writeFile(
    `${there}/web.mjs`,
    `import { createServer } from "node:http";
createServer((_, answer) => answer.end("here")).listen(Number(process.env.PORT), "127.0.0.1");
setInterval(() => { console.log(${JSON.stringify(EVIL)}); console.error("\\x1b[31mERROR\\x1b[0m", ${JSON.stringify(EVIL)}); }, 200);
`,
  );
  const web = ["start", `${there}/web.mjs`, "--name", "web", "-i", "2", "--balance", String(port), "--env", `A=${EVIL}`];
  await cli(...web, "--", EVIL);
  await cli(...web, "--force", "--", `other ${EVIL}`);
  await cli("restart", "web");
  // Figures and offers of its own, in the words of PM2's library, and a check that complains.
  const figure = { type: "axm:monitor", data: { [EVIL.slice(0, 100)]: { value: EVIL, unit: EVIL } } };
  const offer = { type: "axm:action", data: { action_name: EVIL.slice(0, 100) } };
  await writeFile(`${home}/told.js`, `process.send(${JSON.stringify(figure)}); process.send(${JSON.stringify(offer)}); setInterval(() => {}, 1000);\n`);
  await writeFile(`${home}/check.sh`, `#!/bin/sh\necho '${EVIL.replaceAll("'", "")}' >&2\nexit 1\n`, { mode: 0o755 });
  await cli("start", `${home}/told.js`, "--name", "told", "--health-check-script", `${home}/check.sh`, "--health-check-interval", "500ms", "--health-check-retries", "1000");
  await writeFile(`${home}/broken.sh`, `echo '${EVIL.replaceAll("'", "")}' >&2\nsleep 0.3\nexit 3\n`);
  await cli("start", `${home}/broken.sh`, "--name", "broken", "--max-restarts", "1", "--restart-delay", "50", "--interpreter", "sh", "--", EVIL);
  await cli("job", "add", "nightly", "--cron", "* * * * * *", "--", "sh", `${home}/broken.sh`, EVIL);
  await cli("token", "create", EVIL.slice(0, 40), "--role", "viewer").catch(() => {});
  await until("the job has run", async () => JSON.parse(await cli("job", "history", "nightly", "--json")).length > 1);
  await cli("stop", "nightly");
  ({ page, violations, address } = await loggedIn(daemon, chrome));
  page.on("websocket", (socket) => socket.on("framereceived", () => (told += 1)));
  page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

for (const path of PAGES) {
  const shown = path.length > 40 ? `${path.slice(0, 40)}…` : path;
  test(`${shown} shows what is foreign as text, to everybody, on any screen`, async () => {
    asked.length = 0;
    told = 0;
    await page.goto(`${address}${path}`);
    if (await page.locator("#live").count()) await until("something is pushed", () => told > 0);
    const made = await page.evaluate(() =>
      [...document.querySelectorAll("main img, main script, [onerror], [onload], [href^='javascript:'], [hx-post='/evil'], [data-hx-get], main hx-partial")].map((node) => node.outerHTML),
    );
    assert.deepEqual(made, []);
    await accessible(page, shown);
    await narrow(page, shown);
    const wrong = asked.filter((one) => one.startsWith("POST") || /\/(evil|x)(\?|$)/.test(one));
    // A form looks at what is filled in.
    assert.deepEqual(wrong.filter((one) => !/\/fragments\/apps\/.*check$/.test(one)), []);
    assert.deepEqual(violations, []);
  });
}

test("what is foreign is really there", async () => {
  for (const [path, text] of [["/apps/web/logs", "onerror=alert(1)"], ["/apps/web", "onerror=alert(1)"], ["/apps/told", "svg onload=alert(2)"], ["/apps/web/revisions", "onerror=alert(1)"], ["/alerts", "onerror=alert(1)"]]) {
    await page.goto(`${address}${path}`);
    await page.getByText(text).first().waitFor();
  }
});
