// Messages: the one polite live region of every page.

let timer;

/** Says something; failures stay longer. */
export function say(text, failed = false) {
  const toast = document.getElementById("toast");
  clearTimeout(timer);
  toast.textContent = text;
  toast.classList.toggle("bad", failed);
  timer = setTimeout(() => (toast.textContent = ""), failed ? 12000 : 3000);
}

/** What a failed answer says in its problem document. */
export async function why(answer, what) {
  const body = await answer.json().catch(() => ({}));
  return body.detail ?? `${what} failed with status ${answer.status}.`;
}

/** A module that is seldom needed, or nothing when it cannot be had: for want of a connection, or because
 * another pmdaemon has replaced the one that this page is of. */
export const need = (path) => import(path).catch(() => say("No answer from pmdaemon: reload this page.", true));
