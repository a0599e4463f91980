// Forms that are sent in place.

import { say, why } from "./say.js";

/** Sends a form as the browser would, and says what came of it instead of leaving the page. */
export async function send(form, button, verb) {
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
}
