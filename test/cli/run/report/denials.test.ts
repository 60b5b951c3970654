import { expect, test } from "vitest";
import { createDenials, renderDenials } from "../../../../src/cli/run/report/denials.ts";

function denied(host: string | undefined, count?: number): string {
  return JSON.stringify({ "opensandbox.event": "egress.denied", "target.host": host, count });
}

function render(...lines: readonly string[]): readonly string[] {
  const denials = createDenials();
  for (const line of lines) denials.take(line);
  return renderDenials(denials);
}

test("nothing denied is nothing said", () => {
  expect(
    render(
      "not json",
      "{}",
      "null",
      '{"opensandbox.event":"egress.outbound","target.host":"one.example.org"}',
    ),
  ).toEqual([]);
});

test("names are counted, the most denied first, equals in the alphabet's order", () => {
  const lines = ["b.example.org", "c.example.org", "a.example.org", "c.example.org"].map((host) =>
    denied(host),
  );
  expect(render(...lines)).toEqual([
    "denied lookups:",
    "     2  c.example.org",
    "     1  a.example.org",
    "     1  b.example.org",
  ]);
});

test("a line that stands for many counts as many", () => {
  expect(render(denied("a.example.org"), denied("a.example.org", 41))).toEqual([
    "denied lookups:",
    "    42  a.example.org",
  ]);
});

test("a line that stands for names that are not told counts, too", () => {
  expect(render(denied("a.example.org"), denied(undefined, 41))).toEqual([
    "denied lookups:",
    "     1  a.example.org",
    "    41  of other names",
  ]);
});

test("a name can't break the line or colour the terminal", () => {
  expect(render(denied("a\n\u001b[31m.example.org"))).toEqual([
    "denied lookups:",
    "     1  a\\u{a}\\u{1b}[31m.example.org",
  ]);
});

test("after twenty names the rest is one line", () => {
  const lines = render(...Array.from({ length: 30 }, (_, index) => denied(`n${index}.example.org`)));
  expect(lines).toHaveLength(22);
  expect(lines.at(-1)).toBe("    10  of other names");
});

test("names without end take bounded memory and are still counted", () => {
  const denials = createDenials();
  for (let index = 0; index < 10_500; index++) denials.take(denied(`n${index}.example.org`));
  expect(denials.lookups.counts.size).toBe(10_000);
  expect(denials.lookups.others).toBe(500);
});

function refused(fields: object): string {
  return JSON.stringify({ "opensandbox.event": "egress.denied", "target.ips": ["198.51.100.7"], ...fields });
}

test("refused connections are counted by address, protocol and port, apart from lookups", () => {
  const tcp = refused({ "network.transport": "tcp", "target.port": 443, msg: "connection denied" });
  const echo = refused({
    "network.transport": "icmp",
    "target.host": "a.example.org",
    msg: "connection denied",
  });
  const many = refused({ count: 7, msg: "connections denied" });
  const others = refused({ "target.ips": undefined, count: 9, msg: "connections denied" });
  expect(render(tcp, denied("b.example.org"), echo, tcp, many, others)).toEqual([
    "denied lookups:",
    "     1  b.example.org",
    "refused connections:",
    "     7  198.51.100.7",
    "     2  198.51.100.7 tcp 443",
    "     1  198.51.100.7 icmp",
    "     9  of other addresses",
  ]);
});
