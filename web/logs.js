// The log page with script: new lines as they come, older ones as one scrolls up, and what is being
// read stays where it is. Lines are in chunks, of which the browser lays out only those in sight.

import { key } from "./shell.js";
import { say, why } from "./say.js";

const CHUNK = 500;
const MOST = 100_000; // lines that are kept, if the page does not say how many; the oldest go first
const $ = (id) => document.getElementById(id);
const log = $("log");
const several = "several" in log.dataset;
const source = log.dataset.source;
const most = () => Number(log.dataset.most ?? MOST);

let paused = false;
let held = false; // as many lines wait below as are kept: no more are asked for
let over = false; // nothing will come any more
let atEnd = true; // the newest line is in sight: new ones keep it so
let fresh = 0; // lines that came below what is in sight
let kept = log.querySelectorAll(".chunk > p").length; // lines that are there
let begin = log.dataset.begin; // where older lines end
let end = log.dataset.end; // where newer lines begin; empty when nothing follows

// ---- lines ---------------------------------------------------------------------------------

/** What cannot be seen has a sign of its own: the same as src/dashboard/log_line.rs. */
const visible = (text) =>
  text
    .replace(/[\0-\x08\x0a-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

const element = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

function line(record) {
  const node = element("p", `l ${record.stream === "err" ? "e" : "o"}${record.level ? ` v-${record.level}` : ""}`);
  const time = element("time", "", record.ts ? record.ts.slice(11, -1) : "");
  time.dateTime = record.ts ?? "";
  node.append(time);
  if (several) node.append(element("b", "", record.name));
  if (record.stream === "err") node.append(element("i", "", "err"));
  node.append(words(record));
  return node;
}

/** The text, cut wherever its look changes. */
function words({ text, runs = [], marks = [] }) {
  const all = element("span");
  if (!runs.length && !marks.length) {
    all.textContent = visible(text);
    return all;
  }
  const cuts = new Set([0, text.length]);
  for (const [start, length] of [...runs, ...marks]) cuts.add(start).add(start + length);
  const places = [...cuts].sort((a, b) => a - b);
  const at = (list, place) => list.find(([start, length]) => start <= place && place < start + length);
  for (let i = 0; i + 1 < places.length; i += 1) {
    const part = visible(text.slice(places[i], places[i + 1]));
    const look = at(runs, places[i])?.[2];
    if (at(marks, places[i])) all.append(element("mark", look, part));
    else all.append(look ? element("span", look, part) : part);
  }
  return all;
}

const chunks = () => log.querySelectorAll(".chunk");
chunks()[0].cursor = begin; // of each chunk: where lines older than it end

function append(records) {
  let last = [...chunks()].at(-1);
  for (const record of records) {
    if (last.childElementCount >= CHUNK) {
      last = element("div", "chunk");
      log.append(last);
    }
    if (!last.childElementCount) last.cursor = record.c;
    last.append(line(record));
  }
  kept += records.length;
  if (!$("log-empty").hidden) $("log-empty").hidden = true;
}

/** Lets go of the oldest lines; they can be had again by scrolling up. */
function trim() {
  if (kept <= most()) return;
  const all = [...chunks()];
  while (kept > most() && all.length > 1) {
    const first = all.shift();
    kept -= first.childElementCount;
    first.remove();
    begin = all[0].cursor ?? "";
  }
}

// ---- what is in sight ----------------------------------------------------------------------

function toEnd() {
  log.scrollTop = log.scrollHeight;
  look(true);
}

/** Whether the newest line is in sight. */
function look(newest) {
  atEnd = newest;
  if (atEnd) fresh = 0;
  if (atEnd && held) follow();
  showLatest();
}

function showLatest() {
  const number = `${held ? "More than " : ""}${fresh.toLocaleString("en")} new ${fresh === 1 ? "line" : "lines"}`;
  $("latest").hidden = atEnd;
  $("latest").textContent = fresh ? number : "Latest lines";
}

log.addEventListener(
  "scroll",
  () => {
    look(log.scrollHeight - log.scrollTop - log.clientHeight < 40);
    if (log.scrollTop < 400) older();
  },
  { passive: true },
);
$("latest").addEventListener("click", toEnd);

// ---- older lines ---------------------------------------------------------------------------

let fetching = false;

async function older() {
  if (fetching || !begin) return;
  fetching = true;
  try {
    const answer = await fetch(`${source}&before=${encodeURIComponent(begin)}&tail=${CHUNK}`, {
      headers: { Accept: "application/x-ndjson" },
    });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return say(await why(answer, "Reading older lines"), true);
    const records = (await answer.text()).split("\n").filter(Boolean).map((one) => JSON.parse(one)).filter((one) => !one.ctl);
    const height = log.scrollHeight;
    const top = log.scrollTop;
    const chunk = element("div", "chunk");
    chunk.append(...records.map(line));
    chunk.cursor = records[0]?.c;
    chunks()[0].before(chunk);
    kept += records.length;
    begin = records.length < CHUNK ? "" : records[0].c;
    if (!begin) log.querySelector(".older")?.remove();
    log.scrollTop = top + log.scrollHeight - height;
  } catch {
    say("Older lines cannot be read: no connection to pmdaemon.", true);
  } finally {
    fetching = false;
  }
}

// ---- new lines -----------------------------------------------------------------------------

let stream = null;
let waiting = []; // came since the last frame

function show() {
  const records = waiting;
  waiting = [];
  if (!records.length) return;
  append(records);
  if (atEnd) {
    trim();
    toEnd();
  } else {
    fresh += records.length;
    if (fresh >= most() && !paused && !over) hold();
    showLatest();
  }
}

/** Who reads what is older does not get more and more that is newer: that goes on at the end. */
function hold() {
  held = true;
  stream.close();
  pulse("paused", "Waiting");
}

function follow() {
  if (over) return;
  held = false;
  stream?.close();
  stream = new EventSource(`${source}&follow=true&after=${encodeURIComponent(end)}`);
  stream.addEventListener("open", () => pulse("on", "Live"));
  stream.addEventListener("message", (event) => {
    end = event.lastEventId || end;
    if (!waiting.length) requestAnimationFrame(show);
    waiting.push({ ...JSON.parse(event.data), c: event.lastEventId });
  });
  stream.addEventListener("ctl", (event) => {
    const { ctl } = JSON.parse(event.data);
    end = event.lastEventId || end;
    if (ctl === "gone") {
      show();
      log.append(element("p", "gone", "Lines were removed before they could be shown."), element("div", "chunk"));
    }
    if (ctl === "deleted") finish("The app was deleted: nothing more will come.");
  });
  stream.addEventListener("error", () => {
    pulse("off", "Offline");
    // Closed for good. Otherwise the browser tries again by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(again, 3000);
  });
}

/** Asks why it was closed: the session may be over, or the app deleted. */
async function again() {
  const answer = await fetch(`${source}&tail=0`, { headers: { Accept: "application/x-ndjson" } }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  if (answer && !answer.ok && answer.status < 500) return finish(await why(answer, "Reading on"));
  if (!paused && !held) follow();
}

function finish(text) {
  over = true;
  $("pause").disabled = true;
  stream.close();
  pulse("off", "Ended");
  say(text);
}

function pulse(look, text) {
  $("pulse").className = `pulse ${look}`;
  $("pause-text").textContent = text;
  $("pause").setAttribute("aria-pressed", paused);
}

if (end) {
  $("pause").addEventListener("click", () => {
    paused = !paused;
    if (paused) {
      held = false;
      stream.close();
      pulse("paused", "Paused");
    } else {
      follow();
    }
  });
  // A tab that nobody sees gets nothing, and goes on where it was.
  document.addEventListener("visibilitychange", () => {
    if (paused || held) return;
    if (document.hidden) stream.close();
    else follow();
  });
  follow();
}

// ---- looks ---------------------------------------------------------------------------------

for (const [id, name] of [["wrap", "nowrap"], ["times", "no-times"]]) {
  const box = $(id);
  box.checked = localStorage.getItem(id) !== "off";
  const apply = () => log.classList.toggle(name, !box.checked);
  box.addEventListener("change", () => {
    localStorage.setItem(id, box.checked ? "on" : "off");
    apply();
    if (atEnd) toEnd();
  });
  apply();
}

key("p", () => document.querySelector("[name=previous]").click());

// What is chosen counts at once; text counts when one stops typing.
const form = $("log-filter");
let typing;
form.addEventListener("change", (event) => event.target.name && event.target !== $("filter") && form.requestSubmit());
$("filter").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => form.requestSubmit(), 700);
});
form.addEventListener("submit", () => {
  clearTimeout(typing);
  // The address says what was chosen and nothing else.
  for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  sessionStorage.setItem("typing", document.activeElement === $("filter") ? location.pathname : "");
});
if (sessionStorage.getItem("typing") === location.pathname) {
  sessionStorage.removeItem("typing");
  $("filter").focus();
  $("filter").setSelectionRange(-1, -1);
}

log.querySelector(".older a")?.addEventListener("click", (event) => {
  event.preventDefault();
  older();
});
toEnd();
