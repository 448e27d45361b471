// Producers and workers of three BullMQ queues on the Redis at argv[2]. Lines on stdin: `workers on`, `workers off`.
const { Queue, Worker } = require('bullmq');

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const removal = { removeOnComplete: 200, removeOnFail: 200 };
const kinds = [
  { name: 'mail', everyMs: 100, takesMs: 20, failing: 0.01, concurrency: 4 },
  { name: 'webhook', everyMs: 50, takesMs: 30, failing: 0.03, concurrency: 4 },
  { name: 'reports', everyMs: 2000, takesMs: 1500, failing: 0, concurrency: 1 },
];
const queues = [];
let workers = [];

async function work(kind) {
  await new Promise((done) => setTimeout(done, kind.takesMs));
  if (Math.random() < kind.failing) throw new Error('503 from the partner');
}

function hire() {
  workers = kinds.map((kind) => {
    const worker = new Worker(kind.name, () => work(kind), { connection, concurrency: kind.concurrency, ...removal });
    worker.on('error', (error) => console.error(error.message));
    return worker;
  });
}

async function dismiss() {
  const leaving = workers;
  workers = [];
  await Promise.all(leaving.map((worker) => worker.close(true)));
}

async function order(line) {
  if (line === 'workers on' && workers.length === 0) hire();
  if (line === 'workers off') await dismiss();
}

async function end() {
  setTimeout(() => process.exit(1), 2000);
  await dismiss();
  await Promise.all(queues.map((queue) => queue.close()));
  process.exit(0);
}

async function main() {
  for (const kind of kinds) {
    const queue = new Queue(kind.name, { connection, defaultJobOptions: removal });
    queue.on('error', (error) => console.error(error.message));
    await queue.waitUntilReady();
    queues.push(queue);
    setInterval(() => queue.add('job', { sent: Date.now() }).catch((error) => console.error(error.message)), kind.everyMs);
  }
  await queues[0].add('later', {}, { delay: 3600 * 1000 });
  hire();
  const lines = require('node:readline').createInterface({ input: process.stdin });
  lines.on('line', order);
  lines.on('close', end);
  process.on('SIGTERM', end);
  console.log('ready');
}

main();
