/**
 * The measuring client, a program of its own: asks for A records of numbered names over one UDP socket,
 * closed loop or open, takes the time of each answer and checks each one. Its argument is a {@link
 * ClientTask} as JSON; it prints a {@link ClientReport}.
 *
 * The time of a lookup runs from just before the send to just after the receive. An open loop sends on time
 * whatever has been answered, so a server that stalls shows in all the lookups that arrive meanwhile.
 */
import { createArena } from "../../../src/sys/arena.ts";
import { BATCH } from "../../../src/sys/message-header.ts";
import { createReceiveBatch, receiveBatchSize } from "../../../src/sys/receive-batch.ts";
import { createSendBatch, sendBatchSize } from "../../../src/sys/send-batch.ts";
import { watchReadable } from "../../../src/sys/readiness.ts";
import { createRegion } from "../../../src/sys/region.ts";
import { closeSocket, openSocket, SOCK_DGRAM } from "../../../src/sys/socket.ts";
import { percentile } from "../statistics.ts";
import type { ClientReport, ClientTask } from "./client-protocol.ts";
import { holdsAddressV4, LABEL_DIGITS, readDigits, writeDigits } from "./numbered-names.ts";

const SLOT = 512;
const HEADER = 12;
const IDS = 0x1_0000;
const LOST_AFTER_MS = 1000;
const TICK_MS = 1;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `measure.ts` next door
const task = JSON.parse(process.argv[2] ?? "") as ClientTask;
process.stdout.write(`${JSON.stringify(await run(task))}\n`);

async function run({
  address,
  port,
  zone,
  expect,
  first,
  names,
  seconds,
  pace,
}: ClientTask): Promise<ClientReport> {
  const query = encodeQuery(zone);
  const room = Math.ceil(query.length / 8) * 8;
  const size = receiveBatchSize(SLOT) + sendBatchSize() + BATCH * room + 64;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const receive = createReceiveBatch(arena, region, SLOT);
  const fd = openSocket({ type: SOCK_DGRAM, remote: { address, port }, receiveBuffer: 4 << 20 });
  const batch = createSendBatch(arena, region, fd);
  const slots = region.take(BATCH * room);
  const sentAt = new Float64Array(IDS);
  const latencies: number[] = [];
  const counts = { sent: 0, lost: 0, wrong: 0, queued: 0, oldest: 0, lateUs: 0 };

  function ask(now: number): void {
    const at = slots + room * counts.queued;
    const id = counts.sent % IDS;
    arena.octets.set(query, at);
    arena.octets.writeUInt16BE(id, at);
    writeDigits(arena.octets, at + HEADER + 1, first + (counts.sent % names));
    batch.push(at, query.length, 0, 0);
    sentAt[id] = now;
    counts.sent += 1;
    counts.queued += 1;
    if (counts.queued === BATCH) flush();
  }
  function flush(): void {
    batch.flush();
    counts.queued = 0;
  }
  function take(at: number, now: number): boolean {
    const id = arena.octets.readUInt16BE(at);
    const since = sentAt[id] ?? 0;
    if (since === 0) return false;
    sentAt[id] = 0;
    latencies.push((now - since) * 1000);
    if (!isRight(at, id)) counts.wrong += 1;
    return true;
  }
  function isRight(at: number, id: number): boolean {
    const rcode = (arena.octets[at + 3] ?? 0) & 0xf;
    if (expect === "nxdomain") return rcode === 3;
    const number = readDigits(arena.octets, at + HEADER + 1);
    // The id says which name was asked, as far as it has bits.
    if (rcode !== 0 || (names % IDS === 0 && (number - first) % IDS !== id)) return false;
    return holdsAddressV4(arena.octets, at + query.length + 12, number);
  }
  /** Queries too old to be answered are lost; returns how many there are in all. */
  function sweep(now: number): number {
    let lost = 0;
    while (counts.oldest < counts.sent) {
      const since = sentAt[counts.oldest % IDS] ?? 0;
      if (since !== 0 && now - since < LOST_AFTER_MS) break;
      if (since !== 0) {
        sentAt[counts.oldest % IDS] = 0;
        lost += 1;
      }
      counts.oldest += 1;
    }
    counts.lost += lost;
    return lost;
  }

  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const watch = watchReadable(fd, () => {
    const count = receive.receive(fd);
    const now = performance.now();
    for (let i = 0; i < count; i++) {
      if (take(receive.start(i), now) && "inFlight" in pace && now < endsAt) ask(performance.now());
    }
    flush();
  });
  if ("inFlight" in pace) for (let i = 0; i < pace.inFlight; i++) ask(performance.now());
  flush();
  const { promise, resolve } = Promise.withResolvers<void>();
  let lastTick = startedAt;
  const timer = setInterval(() => {
    const now = performance.now();
    const lost = sweep(now);
    if (now < endsAt && "inFlight" in pace) for (let i = 0; i < lost; i++) ask(now);
    if (now < endsAt && "perSecond" in pace) {
      const due = Math.floor(((now - startedAt) / 1000) * pace.perSecond);
      if (due > counts.sent) counts.lateUs = Math.max(counts.lateUs, (now - lastTick - TICK_MS) * 1000);
      while (counts.sent < due) ask(performance.now());
    }
    lastTick = now;
    flush();
    if (now >= endsAt && counts.oldest === counts.sent) resolve();
  }, TICK_MS);
  await promise;
  clearInterval(timer);
  watch.close();
  closeSocket(fd);
  return report(latencies, counts, seconds);
}

function report(
  latencies: readonly number[],
  { sent, lost, wrong, lateUs }: { sent: number; lost: number; wrong: number; lateUs: number },
  seconds: number,
): ClientReport {
  return {
    sent,
    answered: latencies.length,
    lost,
    wrong,
    perSecond: latencies.length / seconds,
    p50Us: percentile(latencies, 0.5),
    p99Us: percentile(latencies, 0.99),
    maxUs: percentile(latencies, 1),
    lateUs,
  };
}

/** A question for A, recursion desired, without EDNS: id and digits are still to be written. */
function encodeQuery(zone: string): Buffer {
  const labels = ["0".repeat(LABEL_DIGITS), ...zone.split(".")].map((label) => [
    label.length,
    ...Buffer.from(label, "latin1"),
  ]);
  return Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels.flat(), 0, 0, 1, 0, 1]);
}
