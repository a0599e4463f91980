// Numbers look the same in the page as it is sent and in the live values.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as format from "../format.js";

const cases = JSON.parse(await readFile(new URL("format_cases.json", import.meta.url)));

for (const [kind, list] of Object.entries(cases)) {
  test(`${kind} looks as the shared cases say`, () => {
    for (const [value, text] of list) assert.equal(format[kind](value), text, `${kind} of ${value}`);
  });
}
