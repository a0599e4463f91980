// On every page: colours, dialogs and keyboard; what is not needed at once is fetched when it is.

import { need, say } from "./say.js";

const $ = (id) => document.getElementById(id);

// ---- colours -------------------------------------------------------------------------------

const THEMES = { "": "as the system", light: "light", dark: "dark" };

function showTheme() {
  const theme = document.documentElement.dataset.theme;
  $("theme").title = `Colours: ${THEMES[theme] ?? THEMES[""]}`;
  $("theme").setAttribute("aria-label", $("theme").title);
}

function nextTheme() {
  const all = Object.keys(THEMES);
  const next = all[(all.indexOf(document.documentElement.dataset.theme) + 1) % all.length];
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  showTheme();
  say($("theme").title);
}

$("theme").addEventListener("click", nextTheme);
showTheme();

// ---- dialogs and menus ---------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    $(opener.dataset.dialog).showModal();
  }
  event.target.closest("[data-close]")?.closest("dialog").close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// ---- what is fetched when it is needed ------------------------------------------------------

document.addEventListener("submit", async (event) => {
  const verb = event.submitter?.dataset.act ?? event.target.dataset.act;
  if (!verb) return;
  event.preventDefault();
  (await need("./forms.js"))?.send(event.target, event.submitter, verb);
});

/** Shown before its module is here: what is typed meanwhile is for it, and presses no key of the page. */
async function palette() {
  $("palette-word").value = "";
  $("palette").showModal();
  (await need("./palette.js"))?.fill();
}

$("palette-open").addEventListener("click", palette);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k" || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  palette();
});

// ---- keyboard ------------------------------------------------------------------------------

const keysOn = $("keys-on");
keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));

const commands = new Map();

/** Gives a key a meaning on this page. */
export const key = (name, does) => commands.set(name, does);

key("?", () => $("help").showModal());
key("/", () => $("filter")?.focus());
key(" ", () => $("pause")?.click());

// Until when `g` waits for its letter.
let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target === $("filter") && !event.defaultPrevented) event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || (event.repeat && !"jk".includes(event.key))) return;
  if (!keysOn.checked || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  // Space presses what has the focus, and scrolls what can be scrolled.
  if (event.key === " " && event.target.closest("button, a, summary, label, [tabindex]:not(main)")) return;
  if (Date.now() < going) {
    going = 0;
    const link = event.key === "n" ? { href: "/apps/new" } : document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) location.assign(link.href);
    return;
  }
  if (event.key === "g") return void (going = Date.now() + 1500);
  const does = commands.get(event.key) ?? press(event.key);
  if (!does) return;
  event.preventDefault();
  does();
});

/** A button or link of the page that a key stands for. */
function press(name) {
  const target = document.querySelector(`[data-key="${CSS.escape(name)}"]`);
  return target && (() => target.click());
}
