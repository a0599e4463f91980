// Marked rows, and what is done to all of them at once. The names are shown before anything is done.

import { say, why } from "./say.js";
import { rowId, shown } from "./table.js";

const $ = (id) => document.getElementById(id);
const bulk = $("bulk");
const WORDS = {
  start: ["Start", "What runs already stays as it is."],
  stop: ["Stop", "Each is asked to end, with everything that it has started, and stays down."],
  restart: ["Restart", "Each is asked to end, then runs anew."],
  delete: ["Delete", "Each is stopped and forgotten, with its own log files. This cannot be taken back."],
};

const marks = () => [...document.querySelectorAll(".c-mark input[name=ref]:checked")];
const amount = (number) => `${number} ${number === 1 ? "process" : "processes"}`;

/** Says how many are marked. */
export function show() {
  const number = marks().length;
  $("marked").textContent = `${amount(number)} marked`;
  const rows = shown();
  const some = rows.filter((row) => row.querySelector(".c-mark input").checked).length;
  $("mark-all").checked = some > 0 && some === rows.length;
  $("mark-all").indeterminate = some > 0 && some < rows.length;
}

let last = null; // the row marked before, for Shift

/** A mark was set or taken away. */
export function change({ target: box }) {
  if (box.id === "mark-all") {
    for (const row of shown()) row.querySelector(".c-mark input").checked = box.checked;
  } else {
    last = box.closest("tr");
  }
  show();
}

/** With Shift, everything between this mark and the one before. */
function click(event) {
  const box = event.target;
  if (box.name !== "ref") return;
  const rows = shown();
  const [from, to] = [rows.indexOf(last), rows.indexOf(box.closest("tr"))].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) {
    for (const row of rows.slice(from, to + 1)) row.querySelector(".c-mark input").checked = box.checked;
    show();
  }
}

async function submit(event) {
  event.preventDefault();
  const action = event.submitter.value;
  const [verb, text] = WORDS[action];
  const rows = marks().map((box) => box.closest("tr"));
  if (!rows.length) return say("No process is marked.");
  $("sure-title").textContent = `${verb} ${amount(rows.length)}?`;
  $("sure-text").textContent = text;
  $("sure-names").replaceChildren(
    ...rows.map((row) => {
      const item = document.createElement("li");
      item.textContent = row.querySelector(".c-name a").textContent;
      return item;
    }),
  );
  $("sure-yes").textContent = verb;
  $("sure-yes").classList.toggle("danger", action === "delete");
  const refs = rows.map(rowId);
  $("sure").returnValue = "no";
  $("sure").showModal();
  $("sure").addEventListener("close", () => $("sure").returnValue === "yes" && act(action, verb, refs), { once: true });
}

async function act(action, verb, refs) {
  say(`${verb} ${amount(refs.length)}…`);
  try {
    // How several are getting on is told while they do: see operations.js.
    const answer = await fetch(`/api/v1/operations?wait=${refs.length > 1 ? 0 : 30}s`, {
      method: "POST",
      redirect: "manual",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ action, refs }),
    });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return say(await why(answer, verb), true);
    const { changed } = await answer.json();
    if (!changed) say(`${verb} ${amount(refs.length)}: nothing to do.`);
    else if (answer.status !== 202) say(`${verb} ${amount(refs.length)}: done.`);
    else if (refs.length === 1) say(`${verb} of 1 process goes on.`);
    bulk.reset();
    clear();
  } catch {
    say(`${verb} could not be sent: no connection to pmdaemon.`, true);
  }
}

function clear() {
  for (const box of marks()) box.checked = false;
  show();
}

document.addEventListener("click", click);
bulk.addEventListener("submit", submit);
bulk.addEventListener("reset", () => setTimeout(clear));
document.addEventListener("htmx:after:swap", show);
