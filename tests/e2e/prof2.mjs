import { chromium } from "@playwright/test";
import { execSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { serve } from "./server.js";
const [job, ...fns] = process.argv.slice(2);
const host = await serve();
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--js-flags=--perf-basic-prof --perf-basic-prof-path=/tmp/pp"] });
const page = await browser.newPage();
await page.goto(`${host.origin}/bench.html?cores=1`);
await page.waitForFunction(() => window.__bench);
const run = page.evaluate((job) => window.__bench({ job, batch: 64, steps: 100000, warmup: 2000, device: "cpu", data: "/data/", maxSeconds: 20 }), job).catch(e => e);
await new Promise((r) => setTimeout(r, 6000));
for (const f of readdirSync("/tmp/pp").filter((f) => f.endsWith(".map"))) {
  const pid = f.match(/\d+/)[0];
  const lines = readFileSync(`/tmp/pp/${f}`, "utf8").split("\n");
  for (const fn of fns) {
    const l = lines.filter((l) => l.includes(`wasm-function[${fn}]`) && l.includes("turbofan")).at(-1);
    if (!l) continue;
    const [addr, size] = l.split(" ");
    let out = "";
    try { out = execSync(`gdb -p ${pid} -batch -ex "x/${Math.min(2200, Math.floor(parseInt(size, 16) / 4))}i 0x${addr}" 2>/dev/null > /tmp/asm-${fn}.txt; wc -l /tmp/asm-${fn}.txt`).toString(); } catch (e) { out = String(e); }
    console.log(fn, l, out);
  }
}
console.log("speed", (await run).samplesPerSecond);
await browser.close(); await host.stop();
