// The live connection. The socket is the hx-ws extension's: it connects, reconnects with jitter,
// rests while the tab is hidden, and swaps the HTML of `h` frames. This module subscribes on every
// connection, keeps the pause button, and tells everybody else what came.

import { say } from "./say.js";

// Closes after which hx-ws connects again.
const RETRIED = [1001, 1005, 1006, 1011, 1012, 1013, 1014];
const $ = (id) => document.getElementById(id);

export const live = { paused: false, connected: false };

const topics = [];
// Called when something may have changed that no frame brought.
const changed = [];

/** Asks for a topic, with what `options()` gives, on every connection. `on` gets the data of its `m`
 * frames, or all of a `snap`. */
export function subscribe(topic, options, on) {
  topics.push({ topic, options, on });
}

/** Calls `refresh` when something may have changed: with the frame that says so, or after a gap; what a
 * subscription catches up by itself needs no more than the frame. */
export const onChange = (refresh) => changed.push(refresh);

export const tellChange = (frame) => live.paused || changed.forEach((refresh) => refresh(frame));

let socket;

function ask() {
  topics.forEach(({ topic, options }, at) => socket.send(JSON.stringify({ op: "sub", id: at + 1, topic, ...options() })));
}

document.addEventListener("htmx:ws:after:connection", (event) => {
  socket = event.detail.connection.socket;
  ask();
  live.connected = true;
  $("banner").hidden = true;
  showPulse();
  // What happened before this subscription.
  tellChange();
});

document.addEventListener("htmx:ws:close", (event) => {
  const { code, reason } = event.detail;
  if (reason === "removed") return;
  live.connected = false;
  showPulse();
  if (code === 4401 || code === 4403) return location.reload();
  // The tab rests; it connects again when it is looked at.
  if (document.hidden) return;
  $("banner").textContent = RETRIED.includes(code)
    ? "Connection lost, trying again… What you see is as of the last moment."
    : "The live view has ended. Reload the page to go on.";
  $("banner").hidden = false;
  // Leads to the login page if the session is what ended.
  tellChange({ t: "closed" });
});

// While paused, nothing on the page moves: the frame ends here, before it is swapped.
document.addEventListener("htmx:ws:before:message:incoming", (event) => {
  if (live.paused) event.preventDefault();
});

document.addEventListener("htmx:ws:after:message:incoming", (event) => {
  let frame;
  try {
    frame = JSON.parse(event.detail.message.data);
  } catch {
    return;
  }
  if (frame.t === "m") topics[frame.id - 1]?.on?.(frame.d);
  else if (frame.t === "snap") topics[frame.id - 1]?.on?.(null, frame.items);
  else if (["h", "ev", "resync"].includes(frame.t)) tellChange(frame);
  else if (frame.t === "err") say(frame.detail, true);
});

function showPulse() {
  $("pause").setAttribute("aria-pressed", live.paused);
  $("pulse").className = `pulse ${live.paused ? "paused" : live.connected ? "on" : "off"}`;
  $("pause-text").textContent = live.paused ? "Paused" : live.connected ? "Live" : "Offline";
}

$("pause").addEventListener("click", () => {
  live.paused = !live.paused;
  showPulse();
  // What came meanwhile was not heard.
  if (live.connected && !live.paused) ask();
  tellChange();
});

/** Fetches something again and again, never twice at once; calls in the meantime become one more. */
export function oneAtATime(load) {
  let fetching = null;
  let again = false;
  return async function refresh() {
    if (live.paused) return;
    if (fetching) return void (again = true);
    fetching = load();
    // No connection: the banner says so already.
    await fetching.catch(() => {});
    fetching = null;
    if (again) {
      again = false;
      await refresh();
    }
  };
}

/** A fragment of a page; nothing when the session is over or the answer is no page. */
export async function fragment(path) {
  const answer = await fetch(path, { redirect: "manual", headers: { Accept: "text/html" } });
  if (answer.status === 401 || answer.type === "opaqueredirect") return void location.reload();
  if (answer.status === 404 && path.startsWith("/fragments/apps/")) return void location.assign("/");
  return answer.ok ? answer.text() : undefined;
}

/** Morphs HTML into the place of an element. */
export const morph = (target, text) =>
  htmx.swap({ sourceElement: $("live"), target, swap: "outerMorph", text });

// Parts of the page that are made anew when something has changed.
for (const part of document.querySelectorAll("[data-live]")) {
  const refresh = oneAtATime(async () => {
    const text = await fragment(part.dataset.live);
    if (text) await morph(part.firstElementChild, text);
  });
  onChange(() => refresh());
}
