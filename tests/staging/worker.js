// One worker process of the queue argv[3] on the Redis at argv[2]: a program that supervisor runs.
const { Worker } = require('bullmq');
const { kinds, removal, work } = require('./kinds.js');

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const kind = kinds.find((each) => each.name === process.argv[3]);
const worker = new Worker(kind.name, () => work(kind), { connection, concurrency: kind.concurrency, ...removal });
worker.on('error', (error) => console.error(error.message));
process.on('SIGTERM', () => {
  setTimeout(() => process.exit(1), 2000);
  worker.close().then(() => process.exit(0));
});
