// Makes the list live. The socket is the hx-ws extension's: it connects, reconnects with jitter,
// rests while the tab is hidden, and swaps the HTML of `h` frames. This module subscribes on every
// connection, patches cells from `m` frames and fetches the table when rows come or go.

import * as format from "./format.js";
import { arrange, count } from "./table.js";
import { forgetNotice, say } from "./actions.js";

const PROCESSES = 1;
const SYSTEM = 2;
const SAMPLES = 30;
const $ = (id) => document.getElementById(id);

let paused = false;
let connected = false;
const history = new Map(); // id of a process: its latest CPU shares

// ---- connection ----------------------------------------------------------------------------

document.addEventListener("htmx:ws:after:connection", (event) => {
  const send = (message) => event.detail.connection.socket.send(JSON.stringify(message));
  send({ op: "sub", id: PROCESSES, topic: "processes", html: true });
  send({ op: "sub", id: SYSTEM, topic: "system" });
  connected = true;
  $("banner").hidden = true;
  showPulse();
  refresh(); // what happened before this subscription
});

document.addEventListener("htmx:ws:close", (event) => {
  const { code, reason } = event.detail;
  if (reason === "removed") return;
  connected = false;
  showPulse();
  if (code === 4401 || code === 4403) return location.reload();
  if (document.hidden) return; // the tab rests; it connects again when it is looked at
  $("banner").textContent = "Connection lost, trying again…";
  $("banner").hidden = false;
  refresh(); // leads to the login page if the session is what ended
});

document.addEventListener("htmx:ws:after:message:incoming", (event) => {
  let frame;
  try {
    frame = JSON.parse(event.detail.message.data);
  } catch {
    return;
  }
  if (frame.t === "m" && frame.id === PROCESSES) frame.d.forEach(patch);
  else if (frame.t === "m" && frame.id === SYSTEM) showHost(frame.d);
  else if (frame.t === "resync") refresh();
  else if (frame.t === "err") say(frame.detail ?? frame.message ?? "The live view was refused.", true);
});

// While paused, nothing on the page moves: the frame ends here, before it is swapped.
document.addEventListener("htmx:ws:before:message:incoming", (event) => {
  if (paused) event.preventDefault();
});

// ---- the table -----------------------------------------------------------------------------

let fetching = null;
let again = false;

/** Fetches the body of the table and morphs it in; calls in the meantime become one more. */
export async function refresh() {
  if (paused) return;
  if (fetching) {
    again = true;
    return;
  }
  fetching = load();
  await fetching.catch(() => {}); // no connection: the banner says so already
  fetching = null;
  if (again) {
    again = false;
    await refresh();
  }
}

async function load() {
  const answer = await fetch("/fragments/processes", { redirect: "manual", headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.type === "opaqueredirect") return location.reload();
  if (!answer.ok) return;
  const text = await answer.text();
  await htmx.swap({ sourceElement: $("live"), target: "#rows", swap: "outerMorph", text });
}

document.addEventListener("htmx:after:swap", () => {
  arrange();
  count();
  tick();
  forgetNotice();
});

/** Numbers of one process; a state never comes this way. */
function patch([id, cpu, memory, uptime]) {
  const row = $(`p-${id}`);
  if (!row) return;
  write(row, ".c-cpu .v", "cpu", cpu, format.cpu);
  write(row, ".c-mem .v", "mem", memory, format.bytes);
  write(row, ".c-up .v", "up", uptime, format.duration);
  draw(row, id, cpu);
}

function write(row, cell, key, value, words) {
  if (value == null) delete row.dataset[key];
  else row.dataset[key] = value;
  setText(row.querySelector(cell), value == null ? format.NOTHING : words(value));
}

function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** The last half minute of CPU, against one core or the highest sample. */
function draw(row, id, cpu) {
  const line = row.querySelector(".spark polyline");
  if (!line) return;
  const samples = cpu == null ? [] : (history.get(id) ?? []).concat(cpu).slice(-SAMPLES);
  history.set(id, samples);
  const top = Math.max(100, ...samples);
  const step = 60 / (SAMPLES - 1);
  const first = SAMPLES - samples.length;
  const points = samples.map((share, at) => `${((first + at) * step).toFixed(1)},${(15 - (share / top) * 14).toFixed(1)}`);
  line.setAttribute("points", points.join(" "));
}

// ---- the host, and time --------------------------------------------------------------------

function showHost(host) {
  setText($("host-cpu"), format.cpu(host.cpu_percent));
  setText($("host-mem"), format.bytes(host.memory_used_bytes));
  setText($("host-total"), format.bytes(host.memory_total_bytes));
  setText($("host-load"), format.load(host.load_average));
  $("host-up").dataset.up = host.uptime_ms;
  $("host-cpu-bar").setAttribute("width", `${host.cpu_percent}%`);
  $("host-mem-bar").setAttribute("width", `${format.share(host.memory_used_bytes, host.memory_total_bytes)}%`);
}

/** Uptimes go on between frames: each counts from the moment when its latest value was seen. */
function tick() {
  if (paused) return;
  const now = performance.now();
  for (const node of document.querySelectorAll("[data-up]")) {
    if (node.seenUp !== node.dataset.up) {
      node.seenUp = node.dataset.up;
      node.seenAt = now;
    }
    setText(node.querySelector(".c-up .v") ?? node, format.duration(Number(node.dataset.up) + now - node.seenAt));
  }
}

function showPulse() {
  $("pause").setAttribute("aria-pressed", paused);
  $("pulse").className = `pulse ${paused ? "paused" : connected ? "on" : "off"}`;
  setText($("pause-text"), paused ? "Paused" : connected ? "Live" : "Offline");
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  showPulse();
  refresh();
});

setInterval(tick, 1000);
count();
arrange();
