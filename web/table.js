// Filter, order, groups and keyboard of the table. The server does the same from the address
// (src/dashboard/order.rs); here it costs no request.

import { key } from "./shell.js";

const table = document.getElementById("processes");
// Not on the page of one app.
const filter = document.getElementById("filter");
const groups = document.getElementById("group");
// Instead of the headings, where they have no room.
const choice = document.getElementById("sort");
const query = new URLSearchParams(location.search);
const sort = { key: "id", down: false };

const all = () => [...table.querySelectorAll("#rows > tr[data-app]")];
/** The id of the process that a row is of. */
export const rowId = (row) => row.id.slice(2);
/** Its latest figures: those that came live, which are no attributes because that costs time, unless the
 * server has made the row anew since. */
export const figures = (row) => (row.figures && row.figures.of === row.dataset.up ? row.figures : row.dataset);
export const shown = () => all().filter((row) => !row.hidden);

// ---- filter, order, groups -----------------------------------------------------------------

const KEYS = {
  id: (row) => Number(rowId(row)),
  status: (row) => row.dataset.status,
  name: (row) => row.querySelector(".c-name a").textContent,
  port: (row) => parseInt(row.querySelector(".c-port").textContent, 10) || 0,
  cpu: (row) => Number(figures(row).cpu ?? -1),
  mem: (row) => Number(figures(row).mem ?? -1),
  up: (row) => Number(figures(row).up ?? -1),
  restarts: (row) => Number(row.dataset.restarts),
};

const GROUPS = {
  "": () => "",
  app: (row) => row.dataset.app,
  namespace: (row) => row.dataset.app.split(":")[0],
};

/** Every word must be found in name, namespace, state or id; `!word` must not. */
function matches(row, words) {
  const namespace = row.dataset.app.split(":")[0];
  const name = row.querySelector(".c-name").textContent;
  const text = `${name} ${namespace} ${row.dataset.status} ${rowId(row)}`.toLowerCase();
  return words.every((word) => (word[0] === "!" ? word === "!" || !text.includes(word.slice(1)) : text.includes(word)));
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Applies filter, order and groups to the rows that are there. */
export function arrange() {
  const words = (filter?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all();
  for (const row of rows) row.hidden = !matches(row, words);
  const none = document.getElementById("nomatch");
  if (none) none.hidden = rows.length === 0 || rows.some((row) => !row.hidden);

  const by = GROUPS[groups?.value ?? ""];
  const value = KEYS[sort.key];
  const order = (a, b) => compare(value(a), value(b)) || KEYS.id(a) - KEYS.id(b);
  const sorted = rows.sort((a, b) => compare(by(a), by(b)) || (sort.down ? order(b, a) : order(a, b)));
  // Of each group: all, and those that are online.
  const numbers = new Map();
  for (const row of sorted) {
    const [of, online] = numbers.get(by(row)) ?? [0, 0];
    numbers.set(by(row), [of + 1, online + (row.dataset.status === "online")]);
  }
  const wanted = [];
  let before = "";
  for (const row of sorted) {
    const group = by(row);
    if (group !== before && !row.hidden) wanted.push(heading(group, numbers.get(group)));
    if (!row.hidden) before = group;
    wanted.push(row);
  }
  const body = document.getElementById("rows");
  const now = [...body.children];
  if (wanted.length === now.length && wanted.every((node, at) => node.isEqualNode(now[at]) && (!node.dataset.app || node === now[at]))) return;
  const focused = document.activeElement;
  body.replaceChildren(...wanted);
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

/** The row above a group. */
function heading(group, [of, online]) {
  const row = document.createElement("tr");
  row.className = "group";
  row.setAttribute("role", "row");
  const head = document.createElement("th");
  head.setAttribute("role", "rowheader");
  head.scope = "rowgroup";
  head.colSpan = 12;
  const link = document.createElement("a");
  link.href = groups.value === "app" ? `/apps/${group}` : `/?q=${encodeURIComponent(group)}`;
  link.textContent = group.replace(/^default:/, "");
  const told = document.createElement("span");
  told.className = "muted";
  told.textContent = `${online} of ${of} online`;
  head.append(link, " ", told);
  row.append(head);
  return row;
}

/** Says how many processes are in each state. */
export function count() {
  const numbers = {};
  for (const row of all()) numbers[row.dataset.status] = (numbers[row.dataset.status] ?? 0) + 1;
  for (const chip of document.querySelectorAll("#counts .chip")) {
    const number = numbers[chip.dataset.q] ?? 0;
    chip.querySelector("b").textContent = number;
    chip.hidden = number === 0;
    if (filter.value.trim() === chip.dataset.q) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
  }
}

function change() {
  const set = (name, value) => (value ? query.set(name, value) : query.delete(name));
  set("q", filter?.value.trim());
  set("sort", sort.key === "id" && !sort.down ? "" : (sort.down ? "-" : "") + sort.key);
  set("group", groups?.value);
  const text = query.toString();
  history.replaceState(history.state, "", text ? `?${text}` : location.pathname);
  showSort();
  arrange();
  count();
}

const heads = [...table.querySelectorAll("th[data-sort]")];

function showSort() {
  for (const head of heads) {
    if (head.dataset.sort === sort.key) head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  if (choice) choice.value = (sort.down ? "-" : "") + sort.key;
}

for (const head of heads) {
  head.querySelector("a").addEventListener("click", (event) => {
    event.preventDefault();
    const name = head.dataset.sort;
    // Numbers are asked for from the top, words from A.
    sort.down = sort.key === name ? !sort.down : ["cpu", "mem", "up", "restarts"].includes(name);
    sort.key = name;
    change();
  });
}

function sortBy(wanted) {
  const name = wanted.replace(/^-/, "");
  if (KEYS[name]) Object.assign(sort, { key: name, down: wanted[0] === "-" });
}

sortBy(query.get("sort") ?? "id");
showSort();
choice?.addEventListener("change", () => {
  sortBy(choice.value);
  change();
});

groups?.addEventListener("change", change);
filter?.addEventListener("input", change);
filter?.form.addEventListener("submit", (event) => event.preventDefault());
filter?.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !filter.value) return;
  event.preventDefault();
  filter.value = "";
  change();
});
document.getElementById("counts")?.addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  event.preventDefault();
  filter.value = filter.value.trim() === chip.dataset.q ? "" : chip.dataset.q;
  change();
});
document.getElementById("clear")?.addEventListener("click", () => {
  filter.value = "";
  change();
  filter.focus();
});

// ---- keyboard ------------------------------------------------------------------------------

function move(by) {
  const list = shown();
  const at = list.indexOf(document.activeElement.closest("tr"));
  const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))];
  next?.focus();
}

/** Presses something in the row that has the focus, or what the page has for that key. */
const press = (name, selector) => {
  const row = document.activeElement.closest("tr[data-app]");
  (row ? row.querySelector(selector) : document.querySelector(`[data-key="${name}"]`))?.click();
};

key("j", () => move(1));
key("k", () => move(-1));
key("x", () => press("x", ".c-mark input"));
key("r", () => press("r", '[data-do="restart"]'));
key("s", () => press("s", '[data-do="stop"], [data-do="start"]'));
key("l", () => press("l", ".c-act a"));
