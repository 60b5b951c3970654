/**
 * Node's own modules as the bundle takes them. Each is the module itself: what a bundled file imports of it
 * is read by name, or, of those that take long to load, stood in for until it is used.
 */
import { builtinModules, createRequire } from "node:module";
import type { Plugin } from "rolldown";

const require = createRequire(import.meta.url);

/**
 * Node's own modules are taken as they are, not imported: an import has Node read every property of the
 * module, and with `node:http` that loads its whole WebSocket and fetch client, 20 ms and 7 MiB. What these
 * modules make only when it is asked for is left to their default export; what is required is the module
 * itself.
 */
export const builtinsUnread: Plugin = {
  name: "builtins-unread",
  resolveId: {
    filter: { id: new RegExp(`^(node:)?(${builtinModules.map(bareName).join("|")})$`) },
    handler: (id, _importer, { kind }) => ({
      id: `\0${kind === "require-call" ? "required" : "imported"}:node:${bareName(id)}`,
      moduleSideEffects: false,
    }),
  },
  load: {
    filter: { id: /^\0(required|imported):node:/ },
    handler(id) {
      const name = id.slice(id.indexOf(":") + 1);
      return id.startsWith("\0required") ? `module.exports = ${takeBuiltin(name)};` : renderBuiltin(name);
    },
  },
};
const MAKES_WHEN_ASKED: ReadonlySet<string> = new Set([
  "node:http",
  "node:crypto",
  "node:process",
  "node:net",
]);

function bareName(id: string): string {
  return id.replace(/^node:/, "");
}

function takeBuiltin(id: string): string {
  return `process.getBuiltinModule(${JSON.stringify(id)})`;
}

/**
 * Take 5 ms and more to load: their functions load them when the first of them is called, their constants
 * when the first is read.
 */
const LOADS_WHEN_CALLED: ReadonlySet<string> = new Set(["node:crypto", "node:tls"]);

function renderLater(id: string): string {
  const found: unknown = require(id);
  const properties = Object.entries(Object.getOwnPropertyDescriptors(Object(found)));
  const exported = properties.flatMap(([name, { value }]) => {
    return typeof value === "function" || typeof value === "object"
      ? `export const ${name} = /* @__PURE__ */ later(() => taken().${name}, ${typeof value === "function"});`
      : [];
  });
  const lines = ["let builtin;", `const taken = () => (builtin ??= ${takeBuiltin(id)});`, STANDS_IN];
  return [...lines, ...exported].join("\n");
}

/** What it stands in for is called, made instances of, asked for properties and by `instanceof` as it is. */
const STANDS_IN = `const later = (take, isFunction) =>
  new Proxy(isFunction ? function () {} : {}, {
    get: (_target, key) => take()[key],
    apply: (_target, that, args) => Reflect.apply(take(), that, args),
    construct: (_target, args) => Reflect.construct(take(), args),
  });`;

/** A module that exports what Node's module `id` has. */
export function renderBuiltin(id: string): string {
  if (LOADS_WHEN_CALLED.has(id)) return renderLater(id);
  const found: unknown = require(id);
  const properties = Object.entries(Object.getOwnPropertyDescriptors(Object(found)));
  const isExported = ([name, property]: (typeof properties)[number]): boolean =>
    name !== "default" && ("value" in property || !MAKES_WHEN_ASKED.has(id));
  const names = properties.filter(isExported).map(([name]) => name);
  // Each by itself, so that what nobody imports is left out.
  const read = names.map((name, n) => `const v${n} = /* @__PURE__ */ (() => builtin.${name})();`);
  const exported = names.map((name, n) => `v${n} as ${name}`);
  return [
    `const builtin = ${takeBuiltin(id)};`,
    ...read,
    `export { builtin as default, ${exported.join(", ")} };`,
  ].join("\n");
}
