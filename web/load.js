// Lends start.js, which is written in an older syntax, the import of modules.
pageStart.load = (address) => import(address);
