// What bench.html offers to programs.

// Trunk gives the module's files names with hashes: the playground's own page knows them.
const page = new DOMParser().parseFromString(await (await fetch("index.html")).text(), "text/html");
const link = (what) => new URL(page.querySelector(what).getAttribute("href"), location).href;
const glue = link("link[rel=modulepreload]");
const module = await WebAssembly.compileStreaming(fetch(link("link[rel=preload][as=fetch]")));
const base = new URL("./", location).href;
const chosen = Object.fromEntries(new URLSearchParams(location.search));
if (chosen.cores) chosen.cores = Number(chosen.cores);

window.__bench = (config) => new Promise((resolve, reject) => {
  const worker = new Worker("worker.js", { type: "module" });
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.onmessage = ({ data }) => {
    worker.terminate();
    if (data.startsWith("Error: ")) reject(new Error(data.slice(7)));
    else resolve(JSON.parse(data));
  };
  worker.postMessage({ glue, module, base, bench: JSON.stringify({ ...chosen, ...config }) });
});
