// The host's figures, and uptimes that go on between frames.

import * as format from "./format.js";
import { live, subscribe } from "./socket.js";

const $ = (id) => document.getElementById(id);

export function setText(node, text) {
  if (!node) return;
  // Writing the text node keeps it, which is cheaper than replacing it.
  if (node.firstChild?.nodeType !== Node.TEXT_NODE) node.textContent = text;
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

if ($("host-cpu")) {
  subscribe("system", {}, (host) => {
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
export function tick() {
  if (live.paused) return;
  const now = performance.now();
  for (const node of document.querySelectorAll("[data-up]")) {
    if (node.seenUp !== node.dataset.up) {
      node.seenUp = node.dataset.up;
      node.seenAt = now;
    }
    const place = node.tagName === "TR" ? node.querySelector(".c-up .v") : node;
    setText(place, format.duration(Number(node.dataset.up) + now - node.seenAt));
  }
}

setInterval(tick, 1000);
