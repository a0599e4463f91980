// Filter, sort and keyboard of the list. Filter and sort are in the URL.

const rows = document.getElementById("rows").parentElement;
const filter = document.getElementById("filter");
const query = new URLSearchParams(location.search);
const sort = { key: "id", down: false };

const all = () => [...rows.querySelectorAll("#rows > tr")];
const shown = () => all().filter((row) => !row.hidden);

// ---- filter and sort -----------------------------------------------------------------------

const KEYS = {
  id: (row) => Number(row.dataset.id),
  status: (row) => row.dataset.status,
  name: (row) => row.querySelector(".c-name a").textContent,
  port: (row) => parseInt(row.querySelector(".c-port").textContent, 10) || 0,
  cpu: (row) => Number(row.dataset.cpu ?? -1),
  mem: (row) => Number(row.dataset.mem ?? -1),
  up: (row) => Number(row.dataset.up ?? -1),
  restarts: (row) => Number(row.dataset.restarts),
};

/** Every word must be found in name, namespace, state or id; `!word` must not. */
function matches(row, words) {
  const text = `${row.querySelector(".c-name").textContent} ${row.dataset.status} ${row.dataset.id}`.toLowerCase();
  return words.every((word) => (word[0] === "!" ? word === "!" || !text.includes(word.slice(1)) : text.includes(word)));
}

/** Applies filter and order to the rows that are there. */
export function arrange() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const before = all();
  for (const row of before) row.hidden = !matches(row, words);
  document.getElementById("nomatch").hidden = before.length === 0 || before.some((row) => !row.hidden);

  const key = KEYS[sort.key];
  const order = (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : KEYS.id(a) - KEYS.id(b));
  const after = [...before].sort(sort.down ? (a, b) => order(b, a) : order);
  if (after.some((row, at) => row !== before[at])) {
    const focused = document.activeElement;
    document.getElementById("rows").append(...after);
    if (focused !== document.activeElement) focused.focus({ preventScroll: true });
  }
}

/** Says how many processes are in each state. */
export function count() {
  const numbers = {};
  for (const row of all()) numbers[row.dataset.status] = (numbers[row.dataset.status] ?? 0) + 1;
  for (const chip of document.querySelectorAll("#counts .chip")) {
    const number = numbers[chip.dataset.q] ?? 0;
    chip.querySelector("b").textContent = number;
    chip.hidden = number === 0;
    chip.setAttribute("aria-pressed", filter.value.trim() === chip.dataset.q);
  }
}

function change() {
  filter.value.trim() ? query.set("q", filter.value.trim()) : query.delete("q");
  sort.key === "id" && !sort.down ? query.delete("sort") : query.set("sort", (sort.down ? "-" : "") + sort.key);
  const text = query.toString();
  history.replaceState(history.state, "", text ? `?${text}` : location.pathname);
  showSort();
  arrange();
  count();
}

function showSort() {
  for (const head of rows.querySelectorAll("th[data-sort]")) {
    if (head.dataset.sort === sort.key) head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

for (const head of rows.querySelectorAll("th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const key = head.dataset.sort;
    // Numbers are asked for from the top, words from A.
    sort.down = sort.key === key ? !sort.down : ["cpu", "mem", "up", "restarts"].includes(key);
    sort.key = key;
    change();
  });
}

const wanted = query.get("sort") ?? "id";
if (KEYS[wanted.replace(/^-/, "")]) Object.assign(sort, { key: wanted.replace(/^-/, ""), down: wanted[0] === "-" });
filter.value = query.get("q") ?? "";
showSort();

filter.addEventListener("input", change);
document.getElementById("counts").addEventListener("click", (event) => {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  filter.value = filter.value.trim() === chip.dataset.q ? "" : chip.dataset.q;
  change();
});
document.getElementById("clear").addEventListener("click", () => {
  filter.value = "";
  change();
  filter.focus();
});

// ---- keyboard ------------------------------------------------------------------------------

const help = document.getElementById("help");
const keysOn = document.getElementById("keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.getElementById("help-open").addEventListener("click", () => help.showModal());

function move(by) {
  const list = shown();
  const at = list.indexOf(document.activeElement.closest("tr"));
  const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by))];
  next?.focus();
}

const press = (selector) => document.activeElement.closest("tr[data-id]")?.querySelector(selector)?.click();

const COMMANDS = {
  "/": () => filter.focus(),
  "?": () => help.showModal(),
  j: () => move(1),
  k: () => move(-1),
  r: () => press('[data-do="restart"]'),
  s: () => press('[data-do="stop"], [data-do="start"]'),
  l: () => press(".c-act a"),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === filter) {
    filter.value ? ((filter.value = ""), change()) : filter.blur();
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
  if (!keysOn.checked || help.open || event.target.closest("input, textarea, select, dialog")) return;
  if (!Object.hasOwn(COMMANDS, event.key)) return;
  event.preventDefault();
  COMMANDS[event.key]();
});
