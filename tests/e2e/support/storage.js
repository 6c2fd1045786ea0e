// What the browser's storage holds of sessions, and storages that fail.

/** The runs in the storage, the one that was stored last first: step, and a hash of all weights and running estimates. */
export function storedRuns(page) {
  return page.evaluate(async () => {
    const answer = (request) => new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
    const opening = indexedDB.open("lenet-playground", 1);
    // The worker makes it.
    opening.onupgradeneeded = () => opening.transaction.abort();
    const database = await answer(opening).catch(() => null);
    if (!database) return [];
    const [sessions, runs] = ["sessions", "runs"].map((name) => database.transaction(name).objectStore(name));
    const [names, infos] = await Promise.all([answer(sessions.getAllKeys()), answer(sessions.getAll())]);
    const stored = [];
    for (const [index, name] of names.entries()) {
      const file = await answer(database.transaction("runs").objectStore("runs").get(name));
      if (!file) continue;
      const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
      const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
      const { steps } = JSON.parse(header.__metadata__["lenet_playground.steps"]);
      const tensors = Object.entries(header).filter(([key]) => key !== "__metadata__" && !/^(optimizer|grad)\./.test(key));
      tensors.sort(([a], [b]) => (a < b ? -1 : 1));
      const data = new Blob(tensors.map(([, { data_offsets: [from, to] }]) => file.subarray(8 + length + from, 8 + length + to)));
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await data.arrayBuffer())).toHex();
      stored.push({ name, steps, hash, saved: JSON.parse(infos[index]).saved });
    }
    database.close();
    return stored.sort((a, b) => b.saved - a.saved);
  });
}

/** Runs a script in the page's workers before their own. */
export async function inWorkers(page, script) {
  await page.route(/\/worker\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });
}

/** Workers believe that the machine has this many cores. */
export const cores = (count) => `Object.defineProperty(navigator, "hardwareConcurrency", { value: ${count} });`;

/** Storages that fail, as scripts for workers. */
export const failing = {
  /** The browser forbids it, as in a frame of another site. */
  forbidden: `IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); };`,
  /** The browser has none. */
  missing: `Object.defineProperty(globalThis, "indexedDB", { value: null });`,
  /** It never answers. */
  silent: `IDBFactory.prototype.open = () => Object.create(IDBOpenDBRequest.prototype, {
    onsuccess: { set() {} }, onerror: { set() {} }, onupgradeneeded: { set() {} },
  });`,
  /** Its first answer takes six seconds: a browser that restores many tabs. */
  late: `{
    const { open } = IDBFactory.prototype;
    let isFirst = true;
    IDBFactory.prototype.open = function (...options) {
      const request = open.apply(this, options);
      if (isFirst) {
        Object.defineProperty(request, "onsuccess", {
          set(handler) { request.addEventListener("success", (event) => setTimeout(() => handler.call(request, event), 6000)); },
        });
      }
      isFirst = false;
      return request;
    };
  }`,
  /** The disk is full. */
  full: `{
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value, key) {
      if (value instanceof Uint8Array) throw new DOMException("full", "QuotaExceededError");
      return put.call(this, value, key);
    };
  }`,
  /** The disk runs full when the transaction is written. */
  aborting: `{
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value, key) {
      this.transaction.isFull ||= value instanceof Uint8Array;
      return put.call(this, value, key);
    };
    const { commit } = IDBTransaction.prototype;
    IDBTransaction.prototype.commit = function () { this.isFull ? this.abort() : commit.call(this); };
    Object.defineProperty(IDBTransaction.prototype, "error", { get: () => new DOMException("full", "QuotaExceededError") });
  }`,
  /** No transaction ever ends. */
  hanging: `Object.defineProperty(IDBTransaction.prototype, "oncomplete", { set() {} });`,
  /** The browser closes the database in the middle of the visit. */
  closing: `{
    const { transaction } = IDBDatabase.prototype;
    let calls = 0;
    IDBDatabase.prototype.transaction = function (...options) {
      if ((calls += 1) === 6) this.close();
      return transaction.apply(this, options);
    };
  }`,
};
