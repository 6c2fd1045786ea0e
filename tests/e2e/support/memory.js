// How much memory a page and its workers hold: JavaScript objects after a garbage collection, and the memories of WebAssembly.

import { edited } from "./faults.js";

/** Makes each thread that runs this keep the memory of the module that it starts. */
function keepWasmMemory() {
  const { instantiate } = WebAssembly;
  const keep = (instance) => (globalThis.wasmMemory = instance.exports.memory);
  WebAssembly.instantiate = async (...options) => {
    const started = await instantiate.apply(WebAssembly, options);
    keep(started.instance ?? started);
    return started;
  };
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, options) {
      const instance = new Instance(...options);
      keep(instance);
      return instance;
    },
  });
}

const SCRIPT = `(${keepWasmMemory})();\n`;
const wasmBytes = () => globalThis.wasmMemory?.buffer.byteLength ?? 0;

export class Memory {
  /** To be called before the page opens from this host. */
  static async watch(page, host) {
    const memory = new Memory();
    memory.page = page;
    memory.devtools = await page.context().newCDPSession(page);
    await page.addInitScript(SCRIPT);
    host.faults.push([/worker\.js$/, edited((text) => SCRIPT + text)]);
    return memory;
  }

  /** Bytes in use now. */
  async measure() {
    await this.devtools.send("HeapProfiler.enable");
    // A second collection frees what finalizers of the first have let go.
    for (let i = 0; i < 2; i += 1) await this.devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await this.devtools.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await this.devtools.send("Memory.getDOMCounters");
    const wasm = await Promise.all([this.page, ...this.page.workers()].map((thread) => thread.evaluate(wasmBytes)));
    return { heap: usedSize, nodes, listeners: jsEventListeners, threads: wasm.length, wasm: wasm.reduce((a, b) => a + b, 0) };
  }
}
