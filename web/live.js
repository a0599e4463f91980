// Makes a page live: parts of it are made anew when something changes, the host's figures go on by
// themselves. The entry of every live page; those with the table have `rows.js` besides.

import { subscribe } from "./socket.js";
import "./host.js";

// For what has changed alone; the table asks for itself.
if (!document.getElementById("rows")) subscribe("processes", { html: true });
