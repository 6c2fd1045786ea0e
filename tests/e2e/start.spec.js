// What the page needs until it can be used. How long it takes is measured by `cargo xtask bench page`.

import { readFileSync } from "node:fs";
import { expect, test } from "./support/playground.js";

const START = new URL("../../web/start.js", import.meta.url);

/** Withholds the requests that match; returns a function that releases them. */
async function withhold(page, pattern) {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route(pattern, (route) => released.then(() => route.continue()));
  return release;
}

test("the page paints its title before the WebAssembly module has arrived", async ({ page, host }) => {
  const release = await withhold(page, /\.wasm$/);
  await page.goto(host, { waitUntil: "commit" });
  await expect(page.getByRole("heading", { name: "LeNet Playground" })).toBeVisible();
  await expect(page.getByText("Getting the network ready…")).toBeVisible();
  const paints = () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint").length);
  await expect.poll(paints).toBe(1);
  release();
  await expect(page.getByRole("button", { name: "Train", exact: true })).toBeVisible();
});

test("a drawing is classified before any of MNIST has arrived", async ({ page, playground, host }) => {
  const files = [];
  page.on("request", (request) => files.push(new URL(request.url()).pathname));
  const release = await withhold(page, /\/mnist\//);
  await playground.open(`${host}/`);
  await playground.draw(7);
  await expect(playground.prediction).toHaveText(/^\s*7/);
  await expect(playground.download).toBeVisible();
  // Names without their folder and their hash. Whether the files of MNIST have been asked for yet is left to chance.
  const others = files.filter((file) => !file.includes("/mnist/"));
  const names = others.map((file) => file.replace(/^.*\/(?=.)/, "").replace(/-[0-9a-f]+(_bg)?\./, "."));
  const needed = new Set(names.filter((name) => !name.endsWith(".css")));
  expect([...needed].toSorted()).toEqual(["/", "lenet5.safetensors", "load.js", "start.js", "web.js", "web.wasm", "worker.js"]);
  release();
  await playground.downloaded();
});

test("start.js has no syntax that a browser of 2009 does not read", () => {
  // Without comments and strings.
  const code = readFileSync(START, "utf8").replace(/\/\*[^]*?\*\/|\/\/ .*/g, "").replace(/"[^"\n]*"/g, '""');
  expect(code).toContain("function begin()");
  const newer = /=>|`|\?\.|\?\?|\.\.\.|\b(let|const|class|async|await|import|export|for\s*\(\s*var\s+\w+\s+of)\b|,\s*\)|catch\s*\{/;
  expect(code.match(newer)?.[0]).toBeUndefined();
});
