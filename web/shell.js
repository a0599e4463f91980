// On every page: colours, dialogs, keyboard, forms that are sent in place, and the palette.

import { say, why } from "./say.js";
import "./palette.js";

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

// ---- forms in place ------------------------------------------------------------------------

/** Sends a form as the browser would, and says what came of it instead of leaving the page. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const verb = button?.dataset.act ?? form.dataset.act;
  if (!verb) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  form.closest("details")?.removeAttribute("open");
  say(`${verb}…`);
  try {
    const action = button?.getAttribute("formaction") ?? form.getAttribute("action");
    const answer = await fetch(action, {
      method: "POST",
      redirect: "manual",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (answer.status === 401) location.reload();
    else if (answer.ok || answer.type === "opaqueredirect") say(`${verb}: done.`);
    else say(await why(answer, verb), true);
  } catch {
    say(`${verb} could not be sent: no connection to pmdaemon.`, true);
  }
  form.ariaBusy = null;
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

let going = 0; // until when `g` waits for its letter

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
