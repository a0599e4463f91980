// The rows of the table: numbers from `m` frames, the whole body when rows come or go.

import * as format from "./format.js";
import { setText } from "./live.js";
import { need } from "./say.js";
import { fragment, morph, onChange, oneAtATime, subscribe } from "./socket.js";
import { arrange, count, figures, rowId } from "./table.js";

const SAMPLES = 30;
const $ = (id) => document.getElementById(id);
// Id of a process: its latest CPU shares.
const history = new Map();

const refresh = oneAtATime(async () => {
  const query = new URLSearchParams(location.search);
  if ($("live").dataset.app) query.set("app", $("live").dataset.app);
  const text = await fragment(`/fragments/processes?${query}`);
  if (text) await morph("#rows", text);
});

// Only what is in sight is written, or soon will be.
const inSight = new Set();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) inSight.delete(target);
      else if (inSight.add(target)) paint(target);
    }
  },
  { rootMargin: "300px" },
);

function watch() {
  for (const row of $("rows").querySelectorAll("tr[data-app]")) watcher.observe(row);
  for (const row of inSight) if (!row.isConnected) inSight.delete(row);
}

document.addEventListener("htmx:after:swap", () => {
  for (const id of history.keys()) if (!$(`p-${id}`)) history.delete(id);
  arrange();
  count();
  watch();
});

/** Numbers of one process; a state never comes this way. */
function take([id, cpu, mem, up]) {
  const row = $(`p-${id}`);
  if (!row) return;
  const samples = history.get(id) ?? [];
  history.set(id, samples);
  if (cpu == null) samples.length = 0;
  else if (samples.push(cpu) > SAMPLES) samples.shift();
  row.figures = { cpu, mem, up, of: row.dataset.up };
}

function paint(row) {
  const { cpu, mem, up } = figures(row);
  const words = (value, of) => (value == null ? format.NOTHING : of(Number(value)));
  const memory = words(mem, format.bytes);
  setText(row.querySelector(".c-cpu .v"), words(cpu, format.cpu));
  setText(row.querySelector(".c-mem .v"), memory);
  setText(row.querySelector(".c-up .v"), words(up, format.duration));
  const cell = row.querySelector(".c-mem[data-limit]");
  if (cell) cell.title = `${memory} / ${cell.dataset.limit}`;
  draw(row.querySelector(".spark polyline"), history.get(Number(rowId(row))) ?? []);
}

/** The last half minute of CPU, against one core or the highest sample. */
function draw(line, samples) {
  const scale = 28 / Math.max(100, ...samples);
  const from = SAMPLES - samples.length;
  line.setAttribute("points", samples.map((share, at) => `${2 * (from + at)},${30 - Math.round(share * scale)}`).join(" "));
}

document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button?.dataset.do) return;
  event.preventDefault();
  (await need("./actions.js"))?.act(button);
});

/** What is done to many is fetched with the first mark. */
const marks = () => need("./marks.js");

document.addEventListener("change", async (event) => {
  if (event.target.closest(".c-mark")) (await marks())?.change(event);
});
// The browser has kept them.
if (document.querySelector(".c-mark :checked")) marks().then((module) => module?.show());

// When figures came last.
let told = performance.now();

/** Figures of those processes alone whose figures are others; uptimes have gone on besides. */
function takeAll(moved) {
  const passed = performance.now() - told;
  told += passed;
  const news = new Map(moved.map((figures) => [figures[0], figures]));
  for (const row of $("rows").querySelectorAll("tr[data-app]")) {
    const id = Number(rowId(row));
    const { cpu, mem, up } = figures(row);
    take(news.get(id) ?? [id, cpu && Number(cpu), mem, up && Math.round(Number(up) + passed)]);
  }
  inSight.forEach(paint);
}

subscribe("processes", () => ({ html: true, after: $("rows").dataset.picture }), takeAll);
onChange((frame) => {
  const { dataset } = $("rows");
  if (frame && frame.t !== "h") refresh();
  else if (frame && dataset.picture) dataset.picture = dataset.picture.replace(/\d+$/, frame.seq);
});
watch();
count();
arrange();
