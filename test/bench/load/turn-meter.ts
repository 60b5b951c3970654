/**
 * Preloaded into a sidecar (`node --import`): times each turn of its event loop, by the clock without what it
 * waits for work, and by the processor time of its thread. What the clock has more, the thread was kept from
 * going on: by the scheduler, or by a lock that another thread holds. SIGUSR2 writes the longest of both
 * since the last one to the file that this module's address names.
 */
import { writeFileSync } from "node:fs";
import koffi from "koffi";

const UV_PREPARE = 9;
const report = new URL(import.meta.url).searchParams.get("report");
if (report === null) throw new Error("the turn meter is not told where to write");

/** libuv's own (uv.h), which Node gives to add-ons. */
const libuv = koffi.load(null);
const onPrepare = koffi.proto("void onPrepare(void *handle)");
const handleSize = libuv.func("size_t uv_handle_size(int type)");
const defaultLoop = libuv.func("void *uv_default_loop()");
const init = libuv.func("int uv_prepare_init(void *loop, void *handle)");
const start = libuv.func("int uv_prepare_start(void *handle, onPrepare *callback)");
const unref = libuv.func("void uv_unref(void *handle)");

const longest = { turnMs: 0, workMs: 0 };
let last = { turnMs: 0, workMs: 0 };

function read(): typeof last {
  const { user, system } = process.threadCpuUsage();
  return { turnMs: performance.now() - performance.nodeTiming.idleTime, workMs: (user + system) / 1000 };
}

/** Just before the loop looks for work: one turn is from there to there. */
function measure(): void {
  const now = read();
  longest.turnMs = Math.max(longest.turnMs, now.turnMs - last.turnMs);
  longest.workMs = Math.max(longest.workMs, now.workMs - last.workMs);
  last = now;
}

const handle = koffi.alloc("uint8_t", Number(handleSize(UV_PREPARE)));
init(defaultLoop(), handle);
start(handle, koffi.register(measure, koffi.pointer(onPrepare)));
unref(handle);
process.on("SIGUSR2", () => {
  writeFileSync(report, JSON.stringify(longest));
  Object.assign(longest, { turnMs: 0, workMs: 0 });
  // The writing was part of this turn.
  last = read();
});
