// The rows of the table: numbers from `m` frames, the whole body when rows come or go.

import * as format from "./format.js";
import { setText, tick } from "./host.js";
import { fragment, morph, onChange, oneAtATime, subscribe } from "./socket.js";
import { arrange, count } from "./table.js";
import "./actions.js";
import "./marks.js";

const SAMPLES = 30;
const $ = (id) => document.getElementById(id);
const history = new Map(); // id of a process: its latest CPU shares

const refresh = oneAtATime(async () => {
  const query = new URLSearchParams(location.search);
  if ($("live").dataset.app) query.set("app", $("live").dataset.app);
  const text = await fragment(`/fragments/processes?${query}`);
  if (text) await morph("#rows", text);
});

document.addEventListener("htmx:after:swap", () => {
  for (const id of history.keys()) if (!$(`p-${id}`)) history.delete(id);
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

subscribe("processes", { html: true }, (figures) => figures.forEach(patch));
onChange((frame) => frame?.t === "h" || refresh());
count();
arrange();
