// An agent reviews three files while somebody watches, through controlplane.h.
import * as cp from './controlplane.js';

const size = (text) => Buffer.byteLength(text);
const files = ['"main.js"', '"util.js"', '"test.js"'];
let completed = 0;
let allCompleted;
const done = new Promise((resolve) => { allCompleted = resolve; });

const awake = setInterval(() => {}, 60_000);  // a callback to come does not keep the process alive

const plane = [null];
cp.open(plane, null);
const events = [null];
cp.subscribe(events, plane[0], null, cp.eventHandler((event) => {
  console.log(event.type, event.subject);
  if (event.type === 'task.completed' && ++completed === files.length) allCompleted();
}), null);

cp.register(plane[0], cp.sized('cp_agent_spec', {
  status: 1, agent_id: 'reviewer-1', capabilities: ['code'], capability_count: 1,
}));

for (const file of files) {
  cp.submit(null, plane[0], cp.sized('cp_task_spec', {
    priority: 2, task_type: 'code_review', payload: file, payload_length: size(file),
    required_capabilities: ['code'], required_capability_count: 1,
  }));
}

const verdict = JSON.stringify({verdict: 'fine'});
const request = cp.sized('cp_claim_request', {max_tasks: 1, agent_id: 'reviewer-1'});
let reviewed = 0;
for (const task = [null]; cp.claim(task, plane[0], request), task[0] !== null; ++reviewed) {
  const {attempt, payload} = cp.taskOf(task[0]);
  console.log('reviewing', payload);
  cp.complete(plane[0], cp.sized('cp_complete_request', {
    attempt, result: verdict, result_length: size(verdict),
  }));
  cp.freeTask(task[0]);
}

await done;
await cp.unsubscribe(events[0]);
cp.close(plane[0]);
clearInterval(awake);
console.log(reviewed, 'files reviewed');
