// The size of the download, compressed as a host sends it.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { expect, test } from "@playwright/test";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const BUDGET = 900 * 1000;

test("wasm, scripts and styles are at most 900 KB with brotli", () => {
  const files = readdirSync(DIST).filter((file) => /\.(wasm|js|css)$/.test(file));
  const sizes = files.map((file) => [file, brotliCompressSync(readFileSync(DIST + file)).length]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`    ${(total / 1000).toFixed(0)} KB of ${BUDGET / 1000}`);
  expect(files.some((file) => file.endsWith(".wasm"))).toBe(true);
  expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(BUDGET);
});
