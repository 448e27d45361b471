// Producers of three BullMQ queues on the Redis at argv[2], and workers of all but `webhook`, whose workers supervisor
// runs where there is one (argv[3] is `supervised`). Lines on stdin: `workers on`, `workers off`.
const { Queue, Worker } = require('bullmq');
const { kinds, removal, work } = require('./kinds.js');

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const queues = [];
let workers = [];

const supervised = process.argv[3] === 'supervised';

function hire() {
  workers = kinds.filter((kind) => !supervised || kind.name !== 'webhook').map((kind) => {
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
