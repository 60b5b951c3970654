/**
 * What the bundle's files give each other, as plain properties. The bundler writes a getter for each, as
 * modules see each other's variables change. Some 500 of them took 10 ms of a start to make, and 180 KiB of
 * compiled code; and V8 calls a getter where it would read a property.
 */
import type { Plugin } from "rolldown";
import { parseAst } from "rolldown/parseAst";

const GETTER =
  /Object\.defineProperty\(exports,"([\w$]+)",\{enumerable:!0,get:function\(\)\{return ([\w$]+)\}\}\)/g;

/** For a bundle that is minified: its getters stand at the ends of files. */
export const plainExports: Plugin = {
  name: "plain-exports",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === "chunk") file.code = withPlainExports(file.code);
    }
  },
};

/**
 * A variable that is assigned anywhere, whether it is the exported one or one of the same name, keeps its
 * getter.
 */
export function withPlainExports(code: string): string {
  const assigned = findAssigned(parseAst(code), new Set());
  return code.replace(GETTER, (getter: string, name: string, value: string) =>
    assigned.has(value) ? getter : `exports.${name}=${value}`,
  );
}

/** Adds the names of all variables that some expression or loop assigns below the node. */
function findAssigned(node: unknown, found: Set<string>): ReadonlySet<string> {
  if (typeof node !== "object" || node === null) return found;
  const { type, left, argument }: Readonly<Record<string, unknown>> = { ...node };
  if (type === "AssignmentExpression" || type === "ForInStatement" || type === "ForOfStatement")
    addNames(left, found);
  if (type === "UpdateExpression") addNames(argument, found);
  for (const child of Object.values(node)) findAssigned(child, found);
  return found;
}

/** All names in a pattern; in that of a member, `a.b`, none is a variable that is assigned. */
function addNames(pattern: unknown, found: Set<string>): void {
  if (typeof pattern !== "object" || pattern === null) return;
  const { type, name }: Readonly<Record<string, unknown>> = { ...pattern };
  if (type === "MemberExpression") return;
  if (type === "Identifier" && typeof name === "string") found.add(name);
  for (const child of Object.values(pattern)) addNames(child, found);
}
