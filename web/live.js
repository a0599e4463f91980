// Makes a page live: parts of it are made anew when something changes, the host's figures go on by
// themselves. The entry of every live page; those with the table have `rows.js` besides.

import { subscribe, tellChange } from "./socket.js";
import "./host.js";

const { topic } = document.getElementById("live").dataset;

if (topic) {
  subscribe(topic, {}, () => tellChange());
} else {
  // For what has changed alone; the table asks for itself.
  if (!document.getElementById("rows")) subscribe("processes", { html: true });
  // What is done to several processes is told on every page, by a module that is seldom needed.
  subscribe("operations", {}, async (moved, all) => {
    const several = (all ?? [moved]).filter((one) => one.progress.total > 1);
    if (several.length || document.querySelector(".under-way")) (await import("./operations.js")).show(several, all);
  });
}
