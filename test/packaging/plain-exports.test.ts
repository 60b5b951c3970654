import { expect, test } from "vitest";
import { withPlainExports } from "../../packaging/plain-exports.ts";

const getter = (name: string, value: string): string =>
  `Object.defineProperty(exports,"${name}",{enumerable:!0,get:function(){return ${value}}})`;

test("what never changes becomes a property", () => {
  const code = "const one=1,two={};two.three=3;function four(){}var five=class{};";
  const names = ["one", "two", "four", "five"];
  expect(withPlainExports(code + names.map((name) => getter(`${name}$`, name)).join(","))).toBe(
    `${code}exports.one$=one,exports.two$=two,exports.four$=four,exports.five$=five`,
  );
});

test.each([
  "let it;function init(){it=1}",
  "let it;const init=()=>it??=1",
  "let it=0;const next=()=>it++",
  "let it;function init(){({a:[it]}={a:[1]})}",
  "let it;function init(){for(it of [1]);}",
  "var it;function init(it){for(it in {});}",
])("what is assigned later keeps its getter: %s", (code) => {
  expect(withPlainExports(`${code};${getter("a", "it")}`)).toBe(`${code};${getter("a", "it")}`);
});
