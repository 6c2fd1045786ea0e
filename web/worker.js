// Starts the page's own WebAssembly module once more, as the trainer as one of its helpers, or to be measured. The message says where the
// module's glue is, the compiled module (so that nothing is downloaded or compiled twice) and the address files are relative to.

// The page hears only of errors that nobody awaits: what fails in a promise is thrown once more.
addEventListener("unhandledrejection", ({ reason }) => setTimeout(() => { throw reason; }));

addEventListener("message", async ({ data: { glue, module, base, helps, bench } }) => {
  const { initSync, start_bench, start_helper, start_worker } = await import(glue);
  initSync({ module });
  if (helps) start_helper();
  else if (bench) start_bench(base, glue, bench);
  else start_worker(base, glue);
}, { once: true });
