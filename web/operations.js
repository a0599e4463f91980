// Operations on several processes: a line for each at the top of the page, for as long as it goes on.

import { say, why } from "./say.js";

const STAYS = 4000; // what went well is shown for so long, in milliseconds
const lines = new Map(); // number of an operation: its line

/** These have moved; with `all`, no others go on. */
export function show(moved, all) {
  for (const one of moved) tell(one);
  if (all) for (const [id, line] of lines) if (line.goesOn && !all.some((one) => one.id === id)) remove(id);
}

function tell(one) {
  if (!lines.has(one.id)) lines.set(one.id, make(one));
  const { done, failed, left, total } = one.progress;
  const line = lines.get(one.id);
  const [bar, words, button] = line.parts;
  bar.value = done + failed + left;
  words.textContent =
    `${done} of ${total} done` + (failed ? `, ${failed} failed` : "") + (left ? `, ${left} not begun` : "");
  // What can be cancelled: the same as src/dashboard/operations.rs.
  const waits = one.items.some(({ state, action }) => state === "waiting" || action === "reload");
  button.hidden = !document.getElementById("bulk") || !waits;
  line.goesOn = !one.ended_at;
  if (line.goesOn) return;
  const well = one.state === "done";
  say(`${title(one)}: ${one.state}.`, !well);
  line.className = `bar under-way ${well ? "good" : "bad"}`;
  button.hidden = well;
  button.textContent = "Dismiss";
  button.onclick = () => remove(one.id);
  if (well) setTimeout(remove, STAYS, one.id);
}

function title({ action, progress }) {
  return `${action[0].toUpperCase()}${action.slice(1)} of ${progress.total} processes`;
}

function make(one) {
  const line = document.createElement("p");
  line.className = "bar info under-way";
  const link = document.createElement("a");
  link.href = `/operations/${one.id}`;
  link.textContent = title(one);
  const bar = document.createElement("progress");
  bar.max = one.progress.total;
  bar.ariaLabel = `Progress of ${title(one)}`;
  const words = document.createElement("span");
  const button = document.createElement("button");
  button.className = "quiet";
  button.textContent = "Cancel the rest";
  button.onclick = () => cancel(one);
  line.parts = [bar, words, button];
  line.append(link, ...line.parts);
  document.getElementById("banner").after(line);
  return line;
}

async function cancel(one) {
  const address = `/api/v1/operations/${one.id}`;
  const answer = await fetch(address, { method: "DELETE", redirect: "manual", headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  if (!answer) say("Cancel could not be sent: no connection to pmdaemon.", true);
  else if (!answer.ok) say(await why(answer, "Cancel"), true);
}

function remove(id) {
  lines.get(id)?.remove();
  lines.delete(id);
}
