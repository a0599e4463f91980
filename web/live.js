// Makes a page live: parts of it are made anew when something changes, the host's figures and uptimes
// go on by themselves. The entry of every live page; those with the table have `rows.js` besides.

import * as format from "./format.js";
import { need } from "./say.js";
import { live, subscribe, tellChange } from "./socket.js";

const $ = (id) => document.getElementById(id);

export function setText(node, text) {
  if (!node) return;
  // Writing the text node keeps it, which is cheaper than replacing it.
  if (node.firstChild?.nodeType !== Node.TEXT_NODE) node.textContent = text;
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

if ($("host-cpu")) {
  subscribe("system", () => ({}), (host) => {
    setText($("host-cpu"), format.cpu(host.cpu_percent));
    setText($("host-mem"), format.bytes(host.memory_used_bytes));
    setText($("host-total"), format.bytes(host.memory_total_bytes));
    setText($("host-load"), format.load(host.load_average));
    $("host-up").dataset.up = host.uptime_ms;
    $("host-cpu-bar").setAttribute("width", `${host.cpu_percent}%`);
    $("host-mem-bar").setAttribute("width", `${format.share(host.memory_used_bytes, host.memory_total_bytes)}%`);
  });
}

/** Each uptime counts from the moment when its latest value was seen. */
function tick() {
  if (live.paused) return;
  const now = performance.now();
  for (const node of document.querySelectorAll(":not(tr)[data-up]")) {
    if (node.seenUp !== node.dataset.up) {
      node.seenUp = node.dataset.up;
      node.seenAt = now;
    }
    setText(node, format.duration(Number(node.dataset.up) + now - node.seenAt));
  }
}

setInterval(tick, 1000);

const { topic } = $("live").dataset;

if (topic) {
  subscribe(topic, () => ({}), () => tellChange());
} else {
  // For what has changed alone; the table asks for itself.
  if (!$("rows")) subscribe("processes", () => ({ html: true }));
  // What is done to several processes is told on every page, by a module that is seldom needed.
  subscribe("operations", () => ({}), async (moved, all) => {
    const several = (all ?? [moved]).filter((one) => one.progress.total > 1);
    if (several.length || document.querySelector(".under-way")) (await need("./operations.js"))?.show(several, all);
  });
}
