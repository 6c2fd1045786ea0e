// Starts the page's WebAssembly module in a worker: as the session, as a worker of its pool, or as a benchmark. The first message
// holds the address of the module's glue, the compiled module (so that nothing is downloaded or compiled twice), the address of the
// page's folder, and the bytes that a training may take.

// A page gets only errors that are thrown, not those of promises: they are thrown again.
addEventListener("unhandledrejection", ({ reason }) => setTimeout(() => { throw reason; }));

addEventListener("message", async ({ data: { glue, module, base, memory, pooled, bench } }) => {
  const { initSync, start_bench, start_pooled_worker, start_worker } = await import(glue);
  initSync({ module });
  if (pooled) start_pooled_worker();
  else if (bench) start_bench(base, glue, bench);
  else start_worker(base, glue, memory);
}, { once: true });
