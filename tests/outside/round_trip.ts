// The client that openapi-typescript makes of our description, against a real server: URL and TOKEN.

import assert from "node:assert/strict";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/pmdaemon.js";

const { URL: baseUrl, TOKEN: token } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const ref = "typescript";
const path = { ref };

const made = await client.POST("/api/v1/apps", {
  params: { query: { wait: "10s" }, header: { "idempotency-key": ref } },
  body: { script: "sleep 600", name: ref, cwd: "/tmp", env: { MODE: "blue" }, kill_timeout_ms: 2000 },
});
assert.ok(made.data, JSON.stringify(made.error));
const app: components["schemas"]["App"] = made.data;
assert.equal(made.response.status, 201);
assert.equal(app.processes[0]?.status, "online");
assert.deepEqual(app.env, { MODE: "***" });

const list = await client.GET("/api/v1/apps", { params: { query: { limit: 1000 } } });
assert.ok(list.data?.items.some((item) => item.name === ref && item.id === app.id));

const etag = made.response.headers.get("etag") ?? "";
const patched = await client.PATCH("/api/v1/apps/{ref}", {
  params: { path, header: { "if-match": etag } },
  headers: { "content-type": "application/merge-patch+json" },
  body: { max_restarts: 3, env: { MODE: null } },
});
assert.ok(patched.data, JSON.stringify(patched.error));
assert.deepEqual([patched.data.max_restarts, patched.data.env], [3, {}]);

const late = await client.PATCH("/api/v1/apps/{ref}", {
  params: { path, header: { "if-match": etag } },
  body: { max_restarts: 4 },
});
assert.equal(late.response.status, 412);
assert.equal(late.error?.code, "other_revision");

const stopped = await client.POST("/api/v1/apps/{ref}/stop", { params: { path, query: { wait: "10s" } } });
assert.equal(stopped.data?.changed, true);
assert.equal(stopped.data.processes[0]?.status, "stopped");

const deleted = await client.DELETE("/api/v1/apps/{ref}", { params: { path, query: { wait: "10s" } } });
assert.ok(deleted.response.ok, JSON.stringify(deleted.error));

const missing = await client.GET("/api/v1/apps/{ref}", { params: { path } });
const problem: components["schemas"]["Problem"] | undefined = missing.error;
assert.equal(missing.response.headers.get("content-type"), "application/problem+json");
assert.deepEqual([problem?.status, problem?.code], [404, "app_not_found"]);
console.log("the TypeScript client made, listed, changed, stopped and deleted an app");
