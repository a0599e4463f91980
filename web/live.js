// Makes the list live. The socket is the hx-ws extension's: it connects, reconnects with jitter,
// rests while the tab is hidden, and swaps the HTML of `h` frames. This module subscribes on every
// connection, patches cells from `m` frames and fetches the table when rows come or go.

import * as format from "./format.js";
import { arrange, count } from "./table.js";
import { say } from "./actions.js";

const PROCESSES = 1;
const SYSTEM = 2;
const SAMPLES = 30;
const RETRIED = [1001, 1005, 1006, 1011, 1012, 1013, 1014]; // closes after which hx-ws connects again
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
  $("banner").textContent = RETRIED.includes(code)
    ? "Connection lost, trying again…"
    : "The live view has ended. Reload the page to go on.";
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
});

/** Numbers of one process; a state never comes this way. */
function patch([id, cpu, memory, uptime]) {
  const row = $(`p-${id}`);
  if (!row) return;
  write(row, "cpu", cpu, format.cpu);
  write(row, "mem", memory, format.bytes);
  const cell = part(row, ".c-mem[data-limit]");
  if (cell) cell.title = `${memory == null ? format.NOTHING : format.bytes(memory)} / ${cell.dataset.limit}`;
  write(row, "up", uptime, format.duration);
  draw(row, id, cpu);
}

const CELLS = { cpu: ".c-cpu .v", mem: ".c-mem .v", up: ".c-up .v" };

function write(row, key, value, words) {
  if (value == null) row.removeAttribute(`data-${key}`);
  else row.setAttribute(`data-${key}`, value);
  setText(part(row, CELLS[key]), value == null ? format.NOTHING : words(value));
}

/** A part of a row, looked up once; a morph may have put another in its place. */
function part(row, selector) {
  row.parts ??= {};
  const known = row.parts[selector];
  return known?.isConnected ? known : (row.parts[selector] = row.querySelector(selector));
}

function setText(node, text) {
  if (!node) return;
  // Writing the text node keeps it, which is cheaper than replacing it.
  if (node.firstChild?.nodeType !== Node.TEXT_NODE) node.textContent = text;
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

/** The last half minute of CPU, against one core or the highest sample. */
function draw(row, id, cpu) {
  const line = part(row, ".spark polyline");
  let samples = history.get(id);
  if (!samples) history.set(id, (samples = []));
  if (cpu == null) samples.length = 0;
  else if (samples.push(cpu) > SAMPLES) samples.shift();
  const scale = 28 / Math.max(100, ...samples);
  let x = 2 * (SAMPLES - samples.length);
  let points = "";
  for (const share of samples) {
    points += `${x},${30 - Math.round(share * scale)} `;
    x += 2;
  }
  line.setAttribute("points", points);
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
    setText(node.tagName === "TR" ? part(node, CELLS.up) : node, format.duration(Number(node.dataset.up) + now - node.seenAt));
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
