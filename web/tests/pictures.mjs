// Pictures of every page, wide in both themes and on a phone, to be looked at:
//   PMDAEMON_BIN=../../target/debug/pmdaemon node pictures.mjs DIRECTORY [PAGE…]
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { browser, fixture, loggedIn, ownDaemon, until } from "./support.mjs";

const [directory, ...only] = process.argv.slice(2);
if (!directory) {
  console.error("Say where: node pictures.mjs DIRECTORY [PAGE…]");
  process.exit(2);
}

/** Services of all kinds and in all states, with something behind them. */
async function live(daemon) {
  const { cli, home } = daemon;
  await writeFile(
    join(home, "shop.mjs"),
    `import { createServer } from "node:http";
createServer((_, answer) => answer.end("here")).listen(Number(process.env.PORT), "127.0.0.1");
console.log("open on", process.env.PORT);
console.log('{"level":"warn","msg":"cache is cold"}');
console.error("\\x1b[31mERROR\\x1b[0m cannot reach the database, will try again");
setInterval(() => console.log("GET /orders/" + Math.floor(Math.random() * 900), 200), 300);
`,
  );
  await writeFile(join(home, "report.sh"), "echo report is written\nexit $((RANDOM % 2))\n");
  await cli("start", "shop.mjs", "--name", "shop", "--instances", "3", "--balance", "44080", "--env", "KEY=hidden", "--label", "tier=web");
  await cli("start", fixture("server.js"), "--name", "api", "--port", "auto:44100-44200", "--watch", "--namespace", "team", "--health-check-tcp", "127.0.0.1:{port}");
  await cli("start", fixture("loop.sh"), "--name", "queue-worker-with-quite-a-long-name", "--max-memory", "200M", "--depends-on", "shop");
  await cli("alert", "channel", "add", "ops", "--command", "--", "/bin/false");
  await cli("alert", "add", "crashes", "--errored", "--channel", "ops", "--severity", "critical");
  await cli("start", fixture("crash.sh"), "--name", "broken", "--max-restarts", "2", "--restart-delay", "50");
  await cli("start", fixture("loop.sh"), "--name", "resting");
  await cli("stop", "resting");
  await cli("restart", "queue-worker-with-quite-a-long-name");
  await cli("restart", "all");
  await cli("job", "add", "report", "--cron", "* * * * * *", "--timezone", "Europe/Berlin", "--", "bash", join(home, "report.sh"));
  await cli("token", "create", "ci", "--role", "deployer", "--namespace", "team");
  await until("the job has run", async () => JSON.parse(await cli("job", "history", "report", "--json")).length > 2);
}

const PAGES = {
  processes: "/",
  grouped: "/?group=app",
  nothing: "/?q=nosuch",
  overview: "/apps/shop",
  failed: "/apps/broken",
  job: "/apps/report",
  logs: "/apps/shop/logs",
  metrics: "/apps/shop/metrics",
  events: "/apps/shop/events",
  config: "/apps/shop/config",
  update: "/apps/shop/update",
  revisions: "/apps/shop/revisions",
  delete: "/apps/shop/delete",
  start: "/apps/new?script=server.js&port=x",
  all_logs: "/logs",
  all_events: "/events",
  ports: "/ports",
  alerts: "/alerts",
  operations: "/operations",
  operation: "/operations/1",
  system: "/system",
  settings: "/settings",
  audit: "/audit",
  docs: "/docs",
  error: "/no/such/page",
};

const LOOKS = [
  { look: "light", size: { width: 1280, height: 800 }, colorScheme: "light" },
  { look: "dark", size: { width: 1280, height: 800 }, colorScheme: "dark" },
  { look: "phone", size: { width: 360, height: 740 }, colorScheme: "light" },
];

const daemon = await ownDaemon();
const chrome = await browser();
try {
  await live(daemon);
  const { page, context, address } = await loggedIn(daemon, chrome);
  await mkdir(directory, { recursive: true });
  const take = async (page, name, path) => {
    if (only.length && !only.includes(name)) return;
    await page.goto(`${address}${path}`);
    // A live page has its first figures.
    await page.waitForTimeout(1500);
    for (const { look, size, colorScheme } of LOOKS) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(150);
      await page.screenshot({ path: join(directory, `${name}-${look}.png`), fullPage: name !== "docs" });
    }
  };
  for (const [name, path] of Object.entries(PAGES)) await take(page, name, path);
  const stranger = await (await chrome.newContext()).newPage();
  await take(stranger, "login", "/login");
  await context.close();
} finally {
  await chrome.close();
  await daemon.end();
}
