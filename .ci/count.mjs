// Reads vitest's JSON reports of suites, given as NAME STATUS REPORT each, STATUS being npm's exit status;
// prints what failed or was skipped and, as the last line, "N passed, N failed" of all; exits non-zero unless
// tests ran in each and all is well. A skip counts as a failure unless the test gave a reason.
import { readFileSync } from "node:fs";

let allPassed = 0;
let allFailed = 0;
for (let at = 2; at < process.argv.length; at += 3) {
  const [name, status, path] = process.argv.slice(at, at + 3);
  const outcome = countSuite(name, Number(status), path);
  allPassed += outcome.passed;
  allFailed += outcome.failures;
}
if (allPassed === 0 && allFailed === 0) allFailed = 1;
console.log(`${allPassed} passed, ${allFailed} failed`);
process.exitCode = allFailed === 0 ? 0 : 1;

function countSuite(name, status, path) {
  const files = readReport(name, path)?.testResults ?? [];
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
  if (status !== 0 && failures === 0) {
    console.log(`ci: ${name} ended with status ${status}`);
    failures = 1;
  }
  if (passed === 0 && failures === 0) {
    console.log(`ci: ${name} ran no test`);
    failures = 1;
  }
  return { passed, failures };
}

function readReport(name, path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    console.log(`ci: ${name} left no report`);
    return undefined;
  }
}
