// Starts the page, or says what keeps it from starting and what helps.
//
// A classic script in the syntax of 2009, so that browsers which can run nothing else of the page can run it. Its name has no hash:
// where index.html is an old copy whose other files are gone, this one is still there and says so. Therefore it relies on nothing in
// index.html but #shell, #start-help and the links that Trunk writes. Where this file itself is missing, #start-help stays.
(function () {
  "use strict";

  /** After this time the page says what it waits for (ms). */
  var PATIENCE = 3000;
  /** Stylesheets hold the page up for so long (ms). */
  var STYLE_PATIENCE = 2000;
  /** Attempts to load the module, and the pause before each further one (ms). */
  var ATTEMPTS = 3;
  var BACK_OFF = 300;
  /** A module with SIMD, sign extension, saturating conversions, bulk memory and reference types: what the page's module needs. */
  var FEATURES = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10, 33, 1, 31, 0, 65, 0, 253, 15, 26, 65, 0, 192, 26, 67,
    0, 0, 0, 0, 252, 0, 26, 65, 0, 65, 0, 65, 0, 252, 11, 0, 208, 111, 26, 11
  ];
  var BROWSERS = "a current Chrome, Edge, Firefox or Safari";

  var folder = location.href.split(/[?#]/)[0].replace(/[^\/]*$/, "");
  /** Files that are on their way, and the bytes that are here. */
  var awaited = {};
  /** Addresses that the policy of the site forbids. */
  var forbidden = {};
  /** Lines above the page by their sentence. */
  var noted = {};
  /** Whether the page has started, or failed to. */
  var over = false;
  var clock;

  /** What other scripts and the module use of this one. load.js adds `load`. */
  var pageStart = (window.pageStart = { explain: explain, load: null, note: note });

  function nameOf(address) {
    return address.split(/[?#]/)[0].replace(/.*\//, "");
  }

  /** Shows a sentence in place of the page, and what helps. */
  function show(sentence, role) {
    var shell = document.getElementById("shell");
    if (!shell) {
      shell = document.createElement("div");
      shell.id = "shell";
      document.body.insertBefore(shell, document.body.firstChild);
    }
    var state = document.getElementById("start-state");
    if (state && role === "alert") state.parentNode.removeChild(state);
    var text = document.getElementById("start-sentence");
    if (!text) {
      text = shell.appendChild(document.createElement("p"));
      text.id = "start-sentence";
      shell.appendChild(remedies());
    }
    text.setAttribute("role", role);
    if (text.textContent !== sentence) text.textContent = sentence;
  }

  function remedies() {
    var line = document.createElement("p");
    line.appendChild(button("Reload", function () { location.reload(); }));
    if (window.top !== window) {
      var link = document.createElement("a");
      link.href = location.href;
      link.target = "_blank";
      link.textContent = "Open the page in a tab of its own";
      line.appendChild(document.createTextNode(" "));
      line.appendChild(link);
    }
    return line;
  }

  function button(name, press) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.onclick = press;
    return button;
  }

  function fail(sentence) {
    if (over) return;
    over = true;
    clearInterval(clock);
    var help = document.getElementById("start-help");
    if (help) help.parentNode.removeChild(help);
    show(sentence, "alert");
  }

  /** What this browser lacks, or how the page was opened; null if it can start. */
  function obstacle() {
    if (location.protocol === "file:") {
      return "The page was opened as a file, and browsers load its parts only from a web server. Put its folder on one: " +
        "“python3 -m http.server” in the folder makes this machine one, at http://localhost:8000/.";
    }
    if (typeof WebAssembly !== "object") {
      return "This browser has no WebAssembly, or it is switched off (as by a lockdown or an enhanced security mode). " +
        "Switch it on for this site, or open the page in " + BROWSERS + ".";
    }
    if (!("noModule" in document.createElement("script")) || !window.fetch || !window.Promise || !window.Worker) {
      return "This browser is too old for the page. Open it in " + BROWSERS + ".";
    }
    if (!WebAssembly.validate(new Uint8Array(FEATURES))) {
      return "This browser’s WebAssembly is too old: it lacks SIMD, with which the page computes. Update the browser, or open the page in " +
        BROWSERS + ".";
    }
    return null;
  }

  /** The fault of an answer for a file, as a sentence; null if it has none. */
  function faultOf(name, response) {
    if (response.status === 404 || response.status === 410) {
      return name + " is not on this host (" + response.status + "). This may be an old copy of the page, from before a new release: " +
        "reload it. If that does not help, the site lacks a part of the page and must be put there whole.";
    }
    if (!response.ok) {
      return "The host answers " + response.status + " instead of " + name + ". Wait a moment, then reload.";
    }
    return null;
  }

  function notWeb(name) {
    return "A web page came instead of " + name + ": from a network that wants you to sign in, from a filter, or from a host that sends " +
      "its first page for every address. Sign in or change the network, then reload.";
  }

  function damaged(name) {
    return name + " arrived damaged or cut short, or this browser is too old for it. Reload; if that does not help, try another network, " +
      "or " + BROWSERS + ".";
  }

  /** Why a file could not be loaded although nothing answered wrongly. */
  function unreachable(name, address) {
    if (window.origin === "null" && window.top === window) {
      return "The Content-Security-Policy of this site keeps the page apart from its own files (sandbox). Whoever runs the site must allow " +
        "it its origin: allow-same-origin.";
    }
    if (window.origin === "null") {
      return "The page stands in a frame that keeps it apart from its own files (" + name + "). Open it in a tab of its own: " + location.href;
    }
    if (forbidden[address]) {
      return "The Content-Security-Policy of this site forbids " + (name || address) + ". Whoever runs the site must allow it: " +
        "the README of LeNet Playground has the policy.";
    }
    if (navigator.onLine === false) {
      addEventListener("online", function () { location.reload(); });
      return "There is no network connection, and " + name + " is not here. The page starts by itself once you are online.";
    }
    return name + " could not be loaded: the connection broke, the network wants you to sign in, or something blocks the file (an " +
      "extension, a filter, a firewall). Reload, or try another network or browser.";
  }

  /** Loads a file that failed once more, past the browser's cache, whose copy may be what is damaged; resolves to a sentence that says why. */
  function explain(address) {
    var name = nameOf(address);
    return fetch(address, { cache: "reload" }).then(function (response) {
      var fault = faultOf(name, response);
      if (fault) return fault;
      var type = response.headers.get("content-type") || "";
      return response.text().then(function (text) {
        if (/^\s*</.test(text)) return notWeb(name);
        if (forbidden[address]) return unreachable(name, address);
        if (/\.js$/.test(name) && !/javascript/.test(type)) {
          return "The host sends " + name + " as " + (type || "a file of no type") + ", which browsers do not run. Whoever runs the site must " +
            "send it as text/javascript.";
        }
        return damaged(name);
      });
    }).catch(function () { return unreachable(name, address); });
  }

  function failAt(address) {
    return function () {
      if (!over) explain(address).then(fail);
    };
  }

  /** Counts the bytes of a file as they come. */
  function count(name, response) {
    var reader = response.body.getReader();
    (function next() {
      reader.read().then(function (chunk) {
        if (chunk.done) return;
        if (name in awaited) awaited[name] += chunk.value.length;
        next();
      }).catch(function () {});
    })();
  }

  /** Loads and compiles the module. Rejects with a sentence. */
  function compile(address, attempt) {
    var name = nameOf(address);
    awaited[name] = 0;
    return fetch(address, attempt === 0 ? {} : { cache: "reload" }).then(function (response) {
      var fault = faultOf(name, response);
      if (fault) throw fault;
      count(name, response.clone());
      // A host that sends another type than application/wasm keeps the module from being compiled while it comes.
      var type = response.headers.get("content-type") || "";
      if (attempt === 0 && /^application\/wasm/.test(type) && WebAssembly.compileStreaming) return WebAssembly.compileStreaming(response);
      return response.arrayBuffer().then(function (bytes) {
        var start = new Uint8Array(bytes, 0, Math.min(bytes.byteLength, 4));
        if (start[0] === 0 && start[1] === 97) return WebAssembly.compile(bytes);
        throw /html/.test(type) || start[0] === 60 ? notWeb(name) : damaged(name);
      });
    }).then(function (module) {
      delete awaited[name];
      return module;
    }).catch(function (error) {
      if (typeof error === "string") throw error;
      if (attempt + 1 < ATTEMPTS) {
        return pause(BACK_OFF).then(function () { return compile(address, attempt + 1); });
      }
      if (forbidden["wasm-eval"]) throw unreachable("WebAssembly", "wasm-eval");
      throw error instanceof WebAssembly.CompileError ? damaged(name) : unreachable(name, address);
    });
  }

  function pause(milliseconds) {
    return new Promise(function (done) { setTimeout(done, milliseconds); });
  }

  /** Imports the glue of the module. That takes a module script, load.js: the syntax of imports is newer than that of this script. */
  function importGlue(address) {
    var loader = folder + "load.js";
    awaited["load.js"] = 0;
    return new Promise(function (done) {
      var script = document.createElement("script");
      script.type = "module";
      script.src = loader;
      script.onerror = failAt(loader);
      script.onload = function () {
        if (pageStart.load) done();
        else failAt(loader)();
      };
      document.head.appendChild(script);
    }).then(function () {
      delete awaited["load.js"];
      awaited[nameOf(address)] = 0;
      return pageStart.load(address);
    }).then(function (glue) {
      delete awaited[nameOf(address)];
      return glue;
    }, function () {
      return explain(address).then(function (sentence) { throw sentence; });
    });
  }

  /** The stylesheets that apply and have no rules: they are on their way, or failed. */
  function missingStyles() {
    return Array.prototype.filter.call(document.querySelectorAll("link[rel=stylesheet]"), function (link) {
      if (link.media && !matchMedia(link.media).matches) return false;
      try {
        return !link.sheet || link.sheet.cssRules.length === 0;
      } catch (error) {
        // A frame of an origin of its own may not count the rules; some browsers count them only once they are here.
        return error.name !== "SecurityError";
      }
    });
  }

  /** Resolves once the stylesheets are here, or nothing is to be expected of the others; these are asked for once more. */
  function styles() {
    var since = Date.now();
    return new Promise(function (done) {
      (function look() {
        var missing = missingStyles();
        if (missing.length === 0) return done();
        if (document.readyState !== "complete" && Date.now() - since < STYLE_PATIENCE) return setTimeout(look, 50);
        // A stylesheet that a script adds does not keep the browser from painting.
        missing.forEach(function (link) {
          var copy = link.cloneNode();
          copy.href = link.href + "?again";
          link.parentNode.replaceChild(copy, link);
        });
        setTimeout(noteMissingStyles, STYLE_PATIENCE / 2);
        done();
      })();
    });
  }

  /** Says so for as long as a stylesheet is missing: a slow network may yet bring it. */
  function noteMissingStyles() {
    var sentence = "A stylesheet of the page has not come, so the page looks plain; all of it works.";
    if (missingStyles().length > 0) {
      note(sentence, "status");
      setTimeout(noteMissingStyles, 1000);
    } else if (noted[sentence]) {
      noted[sentence].hidden = true;
    }
  }

  /** A line above the page, once for each sentence. An alert that was dismissed is shown again: the fault has come again. */
  function note(sentence, role) {
    if (noted[sentence]) {
      if (role === "alert") noted[sentence].hidden = false;
      return;
    }
    var line = (noted[sentence] = document.createElement("p"));
    line.className = "start-note";
    line.setAttribute("role", role);
    line.appendChild(document.createTextNode(sentence + " "));
    line.appendChild(button("Reload", function () { location.reload(); }));
    line.appendChild(button("Dismiss", function () { line.hidden = true; }));
    document.body.insertBefore(line, document.body.firstChild);
  }

  /** Whether an error is a panic of the page's module, or its stack is full: browsers call that a RangeError or an InternalError. */
  function isOfModule(error) {
    if (!error || typeof WebAssembly !== "object") return false;
    var isFull = (error instanceof RangeError || error.name === "InternalError") && /wasm/.test(error.stack);
    return error instanceof WebAssembly.RuntimeError || isFull;
  }

  /** The training worker lives on, and a reload finds what it has kept. */
  function onError(error) {
    if (over && isOfModule(error)) {
      note("A fault of the page has stopped a part of it. Reload to go on; what was trained is kept.", "alert");
    }
  }

  /** Says what the page waits for. A slow network is no failure. */
  function sayWhatIsAwaited() {
    var names = Object.keys(awaited);
    if (names.length === 0) return;
    var bytes = names.reduce(function (sum, name) { return sum + awaited[name]; }, 0);
    var here = bytes === 0 ? "nothing of it is here yet" : (bytes / 1e6).toFixed(1) + " MB are here";
    show("Still loading " + names.join(" and ") + ": " + here + ". The page starts by itself when it has come. If it stands still, " +
      "reload, or try another network.", "status");
  }

  function begin() {
    var sentence = obstacle();
    if (sentence) return fail(sentence);
    clock = setTimeout(function () {
      sayWhatIsAwaited();
      clock = setInterval(sayWhatIsAwaited, 1000);
    }, PATIENCE);
    var glue = document.querySelector("link[rel=modulepreload]").href;
    var module = document.querySelector("link[rel=preload][as=fetch]").href;
    Promise.all([compile(module, 0), importGlue(glue), styles()]).then(function (loaded) {
      return loaded[1].default({ module_or_path: loaded[0] }).then(function () {
        over = true;
        clearInterval(clock);
      });
    }).catch(function (error) {
      fail(typeof error === "string" ? error : "The page stopped while it started (" + error.message + "). Reload it; if that does not " +
        "help, open it in a private window or in another browser.");
    });
    // From here on, this script answers for the start.
    var help = document.getElementById("start-help");
    if (help) help.parentNode.removeChild(help);
  }

  window.addEventListener("error", function (event) { onError(event.error); });
  window.addEventListener("unhandledrejection", function (event) { onError(event.reason); });
  document.addEventListener("securitypolicyviolation", function (event) {
    // The page's own policy forbids none of its files, unless they lead to another host: a sign-in page, mostly.
    var own = document.querySelector("meta[http-equiv=Content-Security-Policy]");
    if (event.disposition !== "report" && !(own && own.content === event.originalPolicy)) forbidden[event.blockedURI] = true;
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
