// The log page with script: starts at the end, follows, and remembers wrapping.

const log = document.getElementById("log");
const follow = document.getElementById("follow");
const wrap = document.getElementById("wrap");
const EVERY_MS = 2000;

const toEnd = () => (log.scrollTop = log.scrollHeight);
const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;

// Reading further up stops following; coming back to the end takes it up again.
log.addEventListener("scroll", () => (follow.checked = atEnd()), { passive: true });
follow.addEventListener("change", () => follow.checked && toEnd());

wrap.checked = localStorage.getItem("wrap") !== "off";
const showWrap = () => log.classList.toggle("nowrap", !wrap.checked);
wrap.addEventListener("change", () => {
  localStorage.setItem("wrap", wrap.checked ? "on" : "off");
  showWrap();
});

/** Reads the page again and takes its lines over. */
async function update() {
  if (!follow.checked || document.hidden || !getSelection().isCollapsed) return;
  const answer = await fetch(location.href, { redirect: "manual", headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.type === "opaqueredirect") return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("log");
  if (!fresh || fresh.textContent === log.textContent) return;
  log.replaceChildren(...fresh.children);
  document.getElementById("log-note").textContent = page.getElementById("log-note").textContent;
  document.querySelector("main > .empty")?.remove();
  toEnd();
}

async function loop() {
  await update().catch(() => {}); // no connection: the next turn tries again
  setTimeout(loop, EVERY_MS);
}

showWrap();
toEnd();
setTimeout(loop, EVERY_MS);
