// Ctrl K: every process, page and action by its name.

const $ = (id) => document.getElementById(id);
const palette = $("palette");
const word = $("palette-word");
const list = $("palette-list");
const MOST = 12;

let all = [];
let chosen = 0;

/** Pages, what can be done on this one, and processes. */
async function gather() {
  const links = [...document.querySelectorAll(".top nav a, .tabs a, a.primary[href]")];
  const pages = links.map((link) => ({ name: link.textContent.trim(), kind: "page", go: () => location.assign(link.href) }));
  const buttons = [...document.querySelectorAll(".do button:not([type=submit][disabled]), #pause, #theme")];
  const acts = buttons.map((button) => ({
    name: button.getAttribute("aria-label") ?? button.textContent.trim(),
    kind: "action",
    go: () => button.click(),
  }));
  // Of this time alone: an answer that is late does not add to the next one.
  const entries = (all = [...pages, ...acts]);
  show();
  const answer = await fetch("/api/v1/processes", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { items } = await answer.json();
  for (const one of items) {
    const about = `${one.status}${one.namespace === "default" ? "" : ` · ${one.namespace}`}`;
    entries.push({ name: one.name, kind: about, go: () => location.assign(`/apps/${one.id}`) });
    entries.push({ name: `Logs of ${one.name}`, kind: about, go: () => location.assign(`/apps/${one.id}/logs`) });
  }
  show();
}

/** The letters in their order, the sooner and closer the better; nothing when they are not there. */
function rank(name, typed) {
  const text = name.toLowerCase();
  const at = text.indexOf(typed);
  if (at >= 0) return at === 0 ? 0 : 1 + at / 100;
  let from = -1;
  for (const letter of typed) {
    from = text.indexOf(letter, from + 1);
    if (from < 0) return null;
  }
  return 3 + from / 100;
}

let found = [];

function show() {
  const typed = word.value.trim().toLowerCase();
  found = all
    .map((entry) => ({ entry, at: rank(entry.name, typed) }))
    .filter(({ at }) => at !== null)
    .sort((a, b) => a.at - b.at)
    .slice(0, MOST)
    .map(({ entry }) => entry);
  chosen = Math.min(chosen, Math.max(0, found.length - 1));
  const option = (entry, at) => {
    const node = document.createElement("div");
    node.role = "option";
    node.id = `palette-${at}`;
    node.ariaSelected = String(at === chosen);
    const kind = document.createElement("span");
    kind.className = "muted";
    kind.textContent = entry.kind;
    node.append(entry.name, kind);
    node.addEventListener("click", () => run(entry));
    return node;
  };
  list.replaceChildren(...found.map(option));
  if (!found.length) list.textContent = "Nothing of that name.";
  if (found.length) word.setAttribute("aria-activedescendant", `palette-${chosen}`);
  else word.removeAttribute("aria-activedescendant");
}

function run(entry) {
  palette.close();
  entry.go();
}

/** Fills it, when it was just shown. */
export function fill() {
  chosen = 0;
  gather();
}

word.addEventListener("input", () => {
  chosen = 0;
  show();
});
word.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && found[chosen]) run(found[chosen]);
  else if (event.key === "ArrowDown") chosen = Math.min(found.length - 1, chosen + 1);
  else if (event.key === "ArrowUp") chosen = Math.max(0, chosen - 1);
  else return;
  event.preventDefault();
  show();
});
palette.addEventListener("click", (event) => event.target === palette && palette.close());
