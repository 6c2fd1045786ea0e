// Starts the page's own WebAssembly module a second time, as the trainer. The page sends where its glue is,
// the compiled module (so that nothing is downloaded or compiled twice) and the address files are relative to.

// The page hears only of errors that nobody awaits: what fails in a promise is thrown once more.
addEventListener("unhandledrejection", ({ reason }) => setTimeout(() => { throw reason; }));

addEventListener("message", async ({ data: { glue, module, base } }) => {
  const { initSync, start_worker } = await import(glue);
  initSync({ module });
  start_worker(base);
}, { once: true });
