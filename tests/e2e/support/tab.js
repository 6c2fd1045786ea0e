// A tab that can be hidden or frozen. Playwright keeps its own pages visible, so this one is opened and driven by the
// DevTools protocol alone.

/** Opens an address in a new tab in front of the others of its context; `init` runs before the scripts of the page. */
export class Tab {
  static async open(browser, browserContextId, address, init = "") {
    const tab = new Tab();
    tab.browser = browser;
    tab.waiting = new Map();
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: false });
    Object.assign(tab, { targetId, sessionId });
    browser.on("Target.receivedMessageFromTarget", (event) => {
      if (event.sessionId !== sessionId) return;
      const { id, result, error } = JSON.parse(event.message);
      const { resolve, reject } = tab.waiting.get(id) ?? {};
      tab.waiting.delete(id);
      if (error) reject?.(new Error(error.message));
      else resolve?.(result);
    });
    await tab.send("Page.enable");
    await tab.send("Page.addScriptToEvaluateOnNewDocument", { source: init });
    await tab.send("Page.navigate", { url: address });
    return tab;
  }

  /** Sends a command of the DevTools protocol to the page. */
  send(method, params = {}) {
    const id = (this.last = (this.last ?? 0) + 1);
    const answered = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, method, params });
    return this.browser.send("Target.sendMessageToTarget", { sessionId: this.sessionId, message }).then(() => answered);
  }

  /** Calls a function in the page, with one argument that JSON can write, and returns its result. */
  async evaluate(call, argument = null) {
    const expression = `(${call})(${JSON.stringify(argument)})`;
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Brings the tab to the front. */
  show() {
    return this.browser.send("Target.activateTarget", { targetId: this.targetId });
  }

  /** Stops the tasks of a hidden page, as a browser does to save power, or lets them go on. */
  freeze(frozen) {
    return this.send("Page.setWebLifecycleState", { state: frozen ? "frozen" : "active" });
  }
}
