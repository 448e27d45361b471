// Queues in known states on the Redis at argv[2], made by the real library. Each line on stdin is an order, answered
// by one line of JSON: `fill` (all states), `pause`, `hire` (two workers), `work N` (N jobs, counted by the worker),
// `toil N` (a job that never ends and one that waits for it; its lock lives N ms), `finish N` (N jobs that are kept,
// each tenth failed, and a flow whose child failed), `counts` of that queue, `again` (all that failed, and two more).
const { FlowProducer, Queue, Worker } = require('bullmq');
const { createInterface } = require('readline');

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const fill = new Queue('fill', { connection });
const hour = 3600 * 1000;

const done = new Queue('done', { connection });

async function worked(name, jobs, process, options) {
  const queue = new Queue(name, { connection });
  const worker = new Worker(name, process, { connection, ...options });
  const all = new Promise((resolve) => {
    let left = jobs.length;
    const one = () => { left -= 1; if (left === 0) resolve(); };
    worker.on('completed', one);
    worker.on('failed', one);
  });
  await worker.waitUntilReady();
  await queue.addBulk(jobs);
  await all;
  await worker.close();
  await queue.close();
}

const orders = {
  async fill() {
    const finished = [1, 1, 1, 1, 0, 0].map((good) => ({ name: 'x', data: { good } }));
    await worked('fill', finished, async (job) => { if (!job.data.good) throw new Error('bad'); }, {});
    await fill.addBulk([1, 2, 3].map(() => ({ name: 'x', data: {} })));
    await fill.addBulk([1, 2].map(() => ({ name: 'x', data: {}, opts: { delay: hour } })));
    await fill.addBulk([5, 1].map((priority) => ({ name: 'x', data: {}, opts: { priority } })));
    const flow = new FlowProducer({ connection });
    await flow.add({ name: 'parent', queueName: 'fill', children: [{ name: 'child', queueName: 'children' }] });
    await flow.close();
    return fill.getJobCounts();
  },
  async pause() {
    await fill.pause();
    return fill.getJobCounts();
  },
  async hire() {
    for (let number = 0; number < 2; number += 1) {
      const worker = new Worker('manned', async () => {}, { connection, name: number ? 'second' : undefined });
      await worker.waitUntilReady();
    }
    const queue = new Queue('manned', { connection });
    await queue.waitUntilReady();
    return (await queue.getWorkers()).length;
  },
  async work(count) {
    const jobs = Array.from({ length: count }, (_, number) => ({ name: 'x', data: { good: number % 10 } }));
    const process = async (job) => { if (!job.data.good) throw new Error('bad'); };
    const options = { metrics: { maxDataPoints: 60 }, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } };
    await worked('busy', jobs, process, options);
    return count;
  },
  async toil(lockDuration) {
    const queue = new Queue('toil', { connection });
    const started = new Promise((resolve) => {
      const toil = () => { resolve(); return new Promise(() => {}); };
      new Worker('toil', toil, { connection, lockDuration });
    });
    await queue.addBulk([1, 2].map(() => ({ name: 'x', data: {} })));
    await started;
    return queue.getJobCounts();
  },
  async finish(count) {
    const one = (number) => ({ name: 'x', data: { good: number % 10 }, opts: { jobId: `job-${number}` } });
    const process = async (job) => { await job.log('a line'); if (!job.data.good) throw new Error('bad'); };
    await worked('done', Array.from({ length: count }, (_, number) => one(number)), process, {});
    const flow = new FlowProducer({ connection });
    const child = { name: 'child', queueName: 'done', data: { good: 0 } };
    await flow.add({ name: 'parent', queueName: 'parents', children: [child, { name: 'slow', queueName: 'slow' }] });
    await flow.close();
    const failed = new Promise((resolve) => {
      const worker = new Worker('done', process, { connection });
      worker.on('failed', async () => { await worker.close(); resolve(); });
    });
    await failed;
    return done.getJobCounts();
  },
  async counts() {
    return done.getJobCounts();
  },
  async again() {
    const failed = await done.getFailed();
    const all = new Promise((resolve) => {
      let left = failed.length + 2;
      const worker = new Worker('done', async () => {}, { connection });
      worker.on('completed', async () => { left -= 1; if (left === 0) { await worker.close(); resolve(); } });
    });
    for (const job of failed) await job.retry();
    await done.addBulk([1, 2].map(() => ({ name: 'x', data: {} })));
    await all;
    return done.getJobCounts();
  },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [order, argument] = line.split(' ');
  const answer = await orders[order](Number(argument));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}).on('close', () => process.exit(0));
