// Logs as somebody reads them: live, searched, of the past, and with whatever programs write.
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { accessible, browser, live, loggedIn, narrow, ownDaemon, until } from "../support.mjs";

let daemon;
let chrome;
let page;
let violations;
let address;

const EVIL = `<img src=x onerror=alert(1)><b hx-get="/logout" hx-trigger="load">x</b><hx-partial hx-target="body">y`;

before(async () => {
  daemon = await ownDaemon();
  chrome = await browser();
  await writeFile(
    `${daemon.home}/speak.py`,
    `import sys, time
for i in range(1300):
    print(f"line {i:04}")
print("\\x1b[31mred\\x1b[0m and \\x1b[1;4mbold\\x1b[0m", flush=True)
print(${JSON.stringify(EVIL)}, flush=True)
print("[ERROR] disk is full", file=sys.stderr, flush=True)
place = 0
while True:
    with open("more") as more:
        more.seek(place)
        for line in more:
            print(line, end="", flush=True)
        place = more.tell()
    time.sleep(0.05)
`,
  );
  await writeFile(`${daemon.home}/more`, "");
  await daemon.cli("start", `${daemon.home}/speak.py`, "--name", "speak", "--interpreter", "python3", "--cwd", daemon.home);
  ({ page, violations, address } = await loggedIn(daemon, chrome));
  await until("it has spoken", async () => (await daemon.cli("logs", "speak", "--lines", "3")).includes("disk is full"));
});

after(async () => {
  await chrome?.close();
  await daemon?.end();
});

const write = (text) => appendFile(`${daemon.home}/more`, text);
const open = async (query = "") => {
  await page.goto(`${address}/apps/speak/logs${query}`);
};
const lines = () => page.locator("#log .l");
const texts = () => page.locator("#log .l > span").allTextContents();

test("the last lines are there, and new ones come by themselves", async () => {
  await open();
  await live(page);
  await page.getByText("disk is full").waitFor();
  await write("hello from below\n");
  await page.getByText("hello from below").waitFor();
  const seen = await page.evaluate(() => log.scrollHeight - log.scrollTop - log.clientHeight);
  assert.ok(seen < 40, "the newest line is in sight");
  await accessible(page, "the log of an app");
  await narrow(page, "the log of an app");
});

test("who scrolls up keeps what is read, and hears of what is new", async () => {
  await page.evaluate(() => (log.scrollTop = log.scrollHeight / 2));
  await until("the way back is offered", () => page.locator("#latest").isVisible());
  const top = await page.evaluate(() => log.scrollTop);
  await write("one more\nand another\n");
  await page.getByRole("button", { name: "2 new lines" }).waitFor();
  assert.equal(await page.evaluate(() => log.scrollTop), top, "what is read has moved");
  await page.getByRole("button", { name: "2 new lines" }).click();
  await until("one is at the end", () => page.locator("#latest").isHidden());
});

test("older lines come as one scrolls up, each once", async () => {
  await until("everything is there", async () => {
    await page.evaluate(() => (log.scrollTop = 0));
    return (await page.getByText("line 0000", { exact: true }).count()) === 1;
  });
  const numbered = (await texts()).filter((text) => /^line \d+$/.test(text));
  assert.deepEqual(numbered, Array.from({ length: 1300 }, (_, i) => `line ${String(i).padStart(4, "0")}`));
});

test("colours are classes, and what programs write stays text", async () => {
  await open();
  assert.equal(await page.locator("#log .f1").first().innerText(), "red");
  assert.ok(await page.getByText(EVIL, { exact: true }).isVisible());
  assert.equal(await page.locator("#log img").count(), 0);
  await live(page);
  await write(`again \x1b[32mgreen\x1b[0m ${EVIL}\n`);
  await page.locator("#log .f2").first().waitFor();
  assert.equal(await page.locator("#log img, #log hx-partial").count(), 0);
  assert.match(page.url(), /\/apps\/speak\/logs$/);
});

test("a search is a regular expression; matches are marked, live ones too", async () => {
  await page.locator("#filter").fill("^line 12[34]5$");
  await page.waitForURL(/\?q=/);
  await until("two lines fit", async () => (await lines().count()) === 2);
  assert.deepEqual(await page.locator("#log mark").allInnerTexts(), ["line 1235", "line 1245"]);
  await accessible(page, "a search");
  await open("?q=needle");
  await page.getByText("No line fits.").waitFor();
  await live(page);
  await write("hay\na needle in it\n");
  await page.locator("#log mark", { hasText: "needle" }).waitFor();
  assert.equal(await lines().count(), 1);
  await open("?q=%28");
  await page.getByText(/it is no pattern: unclosed group/).waitFor();
});

test("levels and streams are chosen", async () => {
  await open();
  await page.getByLabel("Level").selectOption("error");
  await page.waitForURL(/\?level=error$/);
  await until("one line is left", async () => (await lines().count()) === 1);
  await open("?stream=err");
  assert.equal(await lines().count(), 1);
});

test("the previous run is read apart from the present one", async () => {
  await daemon.cli("restart", "speak");
  await open("?previous=true");
  await page.getByText("These lines are of the past").waitFor();
  await page.getByText("hello from below").waitFor();
  assert.equal(await page.locator("#pause").count(), 0, "nothing follows");
});

test("what is filtered can be had as a file", async () => {
  await open("?q=line%201%5B01%5D0%5B12%5D&previous=true");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download" }).click()]);
  const content = await (await import("node:fs/promises")).readFile(await download.path(), "utf8");
  assert.deepEqual(content.trim().split("\n"), ["line 1001", "line 1002", "line 1101", "line 1102"]);
});

test("the logs of everybody are one page", async () => {
  await page.goto(`${address}/logs`);
  await page.locator("#log b", { hasText: "speak" }).first().waitFor();
  await accessible(page, "all logs");
  await narrow(page, "all logs");
  await page.getByLabel("Whose lines").selectOption({ label: "speak" });
  await page.waitForURL(/\/apps\/default:speak\/logs/);
});

test("a flood does not fill the page: what is let go of can be had again", async () => {
  await open();
  await live(page);
  await page.evaluate(() => (document.getElementById("log").dataset.most = "20000"));
  const flood = (word) => Array.from({ length: 25_000 }, (_, i) => `${word} ${i}\n`).join("");
  const numbers = async (word) => {
    const all = (await texts()).filter((text) => text.startsWith(`${word} `));
    return all.map((text) => Number(text.slice(word.length)));
  };
  const unbroken = (all) => assert.ok(all.every((one, at) => at === 0 || one === all[at - 1] + 1), "lines are missing");
  await write(flood("flood"));
  await page.getByText("flood 24999", { exact: true }).waitFor();
  const kept = await numbers("flood");
  assert.ok(kept.length <= 20_500, `${kept.length} lines are kept`);
  await until("older ones are there again", async () => {
    await page.evaluate(() => (log.scrollTop = 0));
    return (await lines().count()) > kept.length + 500;
  });
  const again = await numbers("flood");
  assert.ok(again[0] < kept[0], `${again[0]} is no older than ${kept[0]}`);
  unbroken(again);

  // Who reads there does not get more than can be kept, and misses nothing.
  await write(flood("deluge"));
  await page.getByRole("button", { name: /^More than 2\d,\d{3} new lines$/ }).waitFor();
  assert.equal(await page.locator("#pause-text").innerText(), "Waiting");
  await page.locator("#latest").click();
  await page.getByText("deluge 24999", { exact: true }).waitFor();
  unbroken(await numbers("deluge"));
});

test("the log of an app that was deleted meanwhile has ended", async () => {
  await open();
  await live(page);
  await page.locator("#pause").click();
  await daemon.cli("delete", "speak", "--force");
  await page.locator("#pause").click();
  await until("it is told", async () => (await page.locator("#pause-text").innerText()) === "Ended");
  assert.ok(await page.locator("#pause").isDisabled());
});

test("no page broke its content security policy or threw", () => {
  assert.deepEqual(violations, []);
});
