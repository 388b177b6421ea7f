// What the example needs of controlplane.h, in koffi's words.
import koffi from 'koffi';

const library = koffi.load(process.env.CONTROLPLANE_CAPI ?? 'libcontrolplane_capi.so');

koffi.opaque('cp_coordinator');
koffi.opaque('cp_subscription');
koffi.struct('cp_attempt', {task_id: 'str', nonce: 'uint64_t', attempt: 'uint64_t', agent_id: 'str'});
// Structs that carry their size may be cut: the library fills up the rest with its defaults.
koffi.struct('cp_agent_spec', {
  struct_size: 'uint32_t', status: 'int32_t', agent_id: 'str',
  capabilities: 'const char **', capability_count: 'size_t',
});
koffi.struct('cp_task_spec', {
  struct_size: 'uint32_t', priority: 'int32_t', task_type: 'str', payload: 'str',
  payload_length: 'size_t', required_capabilities: 'const char **',
  required_capability_count: 'size_t',
});
koffi.struct('cp_claim_request', {struct_size: 'uint32_t', max_tasks: 'uint32_t', agent_id: 'str'});
koffi.struct('cp_complete_request', {
  struct_size: 'uint32_t', attempt: 'cp_attempt', result: 'str', result_length: 'size_t',
});
koffi.struct('cp_claimed_task', {
  struct_size: 'uint32_t', priority: 'int32_t', attempt: 'cp_attempt', task_id: 'str',
  task_type: 'str', payload: 'str', payload_length: 'size_t',
});
koffi.struct('cp_event', {
  struct_size: 'uint32_t', seq: 'uint64_t', time_us: 'int64_t', tenant: 'str', type: 'str',
  subject: 'str',
});
koffi.struct('cp_event_batch', {struct_size: 'uint32_t', items: 'void *', count: 'size_t'});
koffi.proto('void cp_event_callback(const cp_event_batch *batch, void *user_data)');

const lastError = library.func('const char *cp_last_error()');

// A function that throws what it failed with.
function checked(prototype) {
  const call = library.func(prototype);
  return (...args) => {
    if (call(...args) !== 0) throw new Error(lastError());
  };
}

export const open = checked('int32_t cp_coordinator_open(_Out_ cp_coordinator **out, void *options)');
export const close = checked('int32_t cp_coordinator_close(cp_coordinator *plane)');
export const register = checked('int32_t cp_agent_register(cp_coordinator *plane, cp_agent_spec *spec)');
export const submit = checked('int32_t cp_task_submit(void *out, cp_coordinator *plane, cp_task_spec *spec)');
export const claim = checked('int32_t cp_task_claim(_Out_ void **out, cp_coordinator *plane, cp_claim_request *request)');
export const complete = checked('int32_t cp_task_complete(cp_coordinator *plane, cp_complete_request *request)');
export const freeTask = library.func('void cp_claimed_task_free(void *task)');
export const subscribe = checked('int32_t cp_event_subscribe(_Out_ cp_subscription **out, cp_coordinator *plane, void *options, cp_event_callback *callback, void *user_data)');
// It waits for a callback under way, which waits for this thread: so not on this thread.
const unsubscribeSomewhere = library.func('int32_t cp_subscription_close(cp_subscription *subscription)');
export const unsubscribe = (subscription) => new Promise((resolve, reject) => {
  unsubscribeSomewhere.async(subscription, (error, status) => {
    if (error !== null || status !== 0) reject(error ?? new Error(`status ${status}`));
    else resolve();
  });
});

// A struct with its size in front.
export const sized = (type, fields) => ({struct_size: koffi.sizeof(type), ...fields});

export const taskOf = (pointer) => koffi.decode(pointer, 'cp_claimed_task');

// koffi runs callbacks of other threads on this one.
export const eventHandler = (handler) => koffi.register((batch) => {
  const {items, count} = koffi.decode(batch, 'cp_event_batch');
  if (Number(count) === 0) return;  // it tells of missed events only, and its list may be NULL
  for (const item of koffi.decode(items, 'void *', Number(count))) {
    handler(koffi.decode(item, 'cp_event'));
  }
}, 'cp_event_callback *');
