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
 * this page is of a pmdaemon that another one has replaced. */
export const need = (path) =>
  import(path).catch(async () => {
    const answer = await fetch(new URL(path, import.meta.url)).catch(() => null);
    say(answer ? "This page is out of date: reload it to go on." : "No connection to pmdaemon.", true);
  });
