// The queues of the stage, and how one of their jobs is worked on.
const kinds = [
  { name: 'mail', everyMs: 100, takesMs: 20, failing: 0.01, concurrency: 4 },
  { name: 'webhook', everyMs: 50, takesMs: 30, failing: 0.03, concurrency: 4 },
  { name: 'reports', everyMs: 2000, takesMs: 1500, failing: 0, concurrency: 1 },
];
const removal = { removeOnComplete: 200, removeOnFail: 200 };

async function work(kind) {
  await new Promise((done) => setTimeout(done, kind.takesMs));
  if (Math.random() < kind.failing) throw new Error('503 from the partner');
}

module.exports = { kinds, removal, work };
