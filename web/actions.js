// Start, stop and restart without leaving the page. Without this script the same forms are sent
// by the browser and the server answers with the page.

const toast = document.getElementById("toast");
let timer;

/** Says something in the polite live region; failures stay longer. */
export function say(text, failed = false) {
  clearTimeout(timer);
  toast.textContent = text;
  toast.classList.toggle("bad", failed);
  timer = setTimeout(() => (toast.textContent = ""), failed ? 12000 : 3000);
}

const WORDS = { start: "Starting", stop: "Stopping", restart: "Restarting" };

async function send(action, row) {
  const name = row.querySelector(".c-name a").textContent;
  try {
    const answer = await fetch(`/api/v1/apps/${row.dataset.id}/${action}`, {
      method: "POST",
      redirect: "manual",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: "{}",
    });
    if (answer.status === 401) return location.reload();
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) say(body.detail ?? `${action} of ${name} failed with status ${answer.status}.`, true);
    else if (body.changed === false) say(`${name}: nothing to do.`);
    else say(`${WORDS[action]} ${name}`);
  } catch {
    say(`${action} of ${name} could not be sent: no connection to pmdaemon.`, true);
  }
}

document.addEventListener("submit", async (event) => {
  const button = event.submitter;
  const row = button?.closest("tr[data-id]");
  if (!row || !WORDS[button.dataset.do]) return;
  event.preventDefault();
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  await send(button.dataset.do, row);
  button.ariaBusy = null;
});
