// Start, stop and restart of a row without leaving the page. Without this script the same forms are
// sent by the browser and the server answers with the page.

import { say, why } from "./say.js";
import { rowId } from "./table.js";

const WORDS = { start: "Starting", stop: "Stopping", restart: "Restarting" };

async function send(action, row) {
  const name = row.querySelector(".c-name a").textContent;
  try {
    const answer = await fetch(`/api/v1/apps/${rowId(row)}/${action}`, {
      method: "POST",
      redirect: "manual",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: "{}",
    });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return say(await why(answer, `${action} of ${name}`), true);
    const { changed } = await answer.json();
    say(changed === false ? `${name}: nothing to do.` : `${WORDS[action]} ${name}`);
  } catch {
    say(`${action} of ${name} could not be sent: no connection to pmdaemon.`, true);
  }
}

/** Does what that button of a row says. */
export async function act(button) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  await send(button.dataset.do, button.closest("tr"));
  button.ariaBusy = null;
}
