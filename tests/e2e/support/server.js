// A static host as plain as they come: serves dist/ at / and at /lenet-playground/, with no special headers.
// Run alone (`node server.js [port]`), it serves until stopped.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../../../dist", import.meta.url));
/** MNIST as raw IDX files, which benchmarks read from /data/. */
const DATA = process.env.LENET_MNIST;
export const SUBPATH = "/lenet-playground/";
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

async function find(url) {
  let path = decodeURIComponent(new URL(url, "http://host").pathname);
  if (path.startsWith(SUBPATH)) path = path.slice(SUBPATH.length - 1);
  if (path.endsWith("/")) path += "index.html";
  const data = DATA && path.startsWith("/data/");
  const root = data ? DATA : DIST;
  const file = resolve(join(root, data ? path.slice("/data".length) : path));
  if (!file.startsWith(root + sep)) return null;
  const found = await stat(file).catch(() => null);
  return found?.isFile() ? { file, size: found.size } : null;
}

export async function serve(port = 0) {
  const server = createServer(async (request, response) => {
    const found = await find(request.url).catch(() => null);
    if (!found) return response.writeHead(404).end();
    const type = TYPES[extname(found.file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-length": found.size });
    createReadStream(found.file).pipe(response);
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((done) => (server.close(done), server.closeAllConnections())),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await serve(Number(process.argv[2] ?? 0))).origin);
}
