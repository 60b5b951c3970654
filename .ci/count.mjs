// Reads vitest's JSON report ($REPORT) and npm's exit status ($STATUS), prints what failed or was skipped and, as the last line,
// "N passed, N failed"; exits non-zero unless tests ran and all is well. A skip counts as a failure unless the test gave a reason.
import { readFileSync } from "node:fs";

const report = readReport(process.env.REPORT ?? "");
const files = report?.testResults ?? [];
const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })));

const passed = tests.filter((test) => test.status === "passed").length;
const failed = tests.filter((test) => test.status === "failed");
const idle = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
const unexplained = idle.filter((test) => !test.meta?.skipReason);
// A file that could not be loaded, or whose hooks failed, has no failed test of its own.
const broken = files.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
);

for (const test of failed) console.log(`ci: failed: ${test.file}: ${test.fullName}`);
for (const file of broken) console.log(`ci: failed: ${file.name}: ${file.message}`);
for (const test of idle) {
  console.log(`ci: skipped: ${test.file}: ${test.fullName}: ${test.meta?.skipReason ?? "NO REASON GIVEN"}`);
}

let failures = failed.length + broken.length + unexplained.length;
const status = Number(process.env.STATUS ?? 1);
if (status !== 0 && failures === 0) {
  console.log(`ci: the test run ended with status ${status}`);
  failures = 1;
}
if (passed === 0 && failures === 0) {
  console.log("ci: no test ran");
  failures = 1;
}
console.log(`${passed} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    console.log("ci: the test run left no report");
    return undefined;
  }
}
