// An agent reviews three files while somebody watches, through controlplane.h. What it needs of the
// header is declared by hand; a larger host would have bindgen do that.
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::{process, ptr, slice, sync::mpsc};

mod ffi {
    use super::*;

    // Handles: numbers in a pointer's clothes.
    #[repr(C)]
    pub struct Coordinator([u8; 0]);
    #[repr(C)]
    pub struct Subscription([u8; 0]);

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Attempt {
        pub task_id: *const c_char,
        pub lease: [u64; 2],
        pub agent_id: *const c_char,
    }

    // Of structs that the library fills it is enough to declare the part that is read; those that it
    // reads may be cut too, as they carry their size: it fills up the rest with its defaults.
    #[repr(C)]
    pub struct AgentSpec {
        pub struct_size: u32,
        pub status: i32,
        pub agent_id: *const c_char,
        pub capabilities: *const *const c_char,
        pub capability_count: usize,
    }
    #[repr(C)]
    pub struct TaskSpec {
        pub struct_size: u32,
        pub priority: i32,
        pub task_type: *const c_char,
        pub payload: *const c_char,
        pub payload_length: usize,
        pub required_capabilities: *const *const c_char,
        pub required_capability_count: usize,
    }
    #[repr(C)]
    pub struct ClaimRequest {
        pub struct_size: u32,
        pub max_tasks: u32,
        pub agent_id: *const c_char,
    }
    #[repr(C)]
    pub struct CompleteRequest {
        pub struct_size: u32,
        pub attempt: Attempt,
        pub result: *const c_char,
        pub result_length: usize,
    }
    #[repr(C)]
    pub struct ClaimedTask {
        pub struct_size: u32,
        pub priority: i32,
        pub attempt: Attempt,
        pub task_id: *const c_char,
        pub task_type: *const c_char,
        pub payload: *const c_char,
        pub payload_length: usize,
    }
    #[repr(C)]
    pub struct Event {
        pub struct_size: u32,
        pub seq: u64,
        pub time_us: i64,
        pub tenant: *const c_char,
        pub kind: *const c_char,
        pub subject: *const c_char,
    }
    #[repr(C)]
    pub struct EventBatch {
        pub struct_size: u32,
        pub items: *const *const Event,
        pub count: usize,
    }
    pub type EventCallback = extern "C" fn(*const EventBatch, *mut c_void);

    #[link(name = "controlplane_capi")]
    extern "C" {
        pub fn cp_last_error() -> *const c_char;
        pub fn cp_coordinator_open(out: *mut *mut Coordinator, options: *const c_void) -> i32;
        pub fn cp_coordinator_close(coordinator: *mut Coordinator) -> i32;
        pub fn cp_event_subscribe(
            out: *mut *mut Subscription,
            coordinator: *mut Coordinator,
            options: *const c_void,
            callback: EventCallback,
            user_data: *mut c_void,
        ) -> i32;
        pub fn cp_subscription_close(subscription: *mut Subscription) -> i32;
        pub fn cp_agent_spec_init(out: *mut AgentSpec, struct_size: usize) -> i32;
        pub fn cp_agent_register(coordinator: *mut Coordinator, spec: *const AgentSpec) -> i32;
        pub fn cp_task_spec_init(out: *mut TaskSpec, struct_size: usize) -> i32;
        pub fn cp_task_submit(
            out: *mut c_void,
            coordinator: *mut Coordinator,
            spec: *const TaskSpec,
        ) -> i32;
        pub fn cp_claim_request_init(out: *mut ClaimRequest, struct_size: usize) -> i32;
        pub fn cp_task_claim(
            out: *mut *mut ClaimedTask,
            coordinator: *mut Coordinator,
            request: *const ClaimRequest,
        ) -> i32;
        pub fn cp_claimed_task_free(task: *mut ClaimedTask);
        pub fn cp_complete_request_init(out: *mut CompleteRequest, struct_size: usize) -> i32;
        pub fn cp_task_complete(
            coordinator: *mut Coordinator,
            request: *const CompleteRequest,
        ) -> i32;
    }
}

fn text<'a>(text: *const c_char) -> &'a str {
    unsafe { CStr::from_ptr(text) }.to_str().unwrap()
}

fn must(status: i32) {
    if status != 0 {
        eprintln!("{}", text(unsafe { ffi::cp_last_error() }));
        process::exit(1);
    }
}

// A struct with its defaults, through one of the cp_…_init() functions.
fn with_defaults<T>(init: unsafe extern "C" fn(*mut T, usize) -> i32) -> T {
    let mut made = std::mem::MaybeUninit::uninit();
    must(unsafe { init(made.as_mut_ptr(), std::mem::size_of::<T>()) });
    unsafe { made.assume_init() }
}

// A thread of the library calls it, one batch at a time.
extern "C" fn watch(batch: *const ffi::EventBatch, completed: *mut c_void) {
    let completed = unsafe { &*(completed as *const mpsc::Sender<()>) };
    let batch = unsafe { &*batch };
    if batch.count == 0 {
        return; // it tells of missed events only, and its list may be NULL
    }
    let events = unsafe { slice::from_raw_parts(batch.items, batch.count) };
    for event in events.iter().map(|event| unsafe { &**event }) {
        println!("{} {}", text(event.kind), text(event.subject));
        if text(event.kind) == "task.completed" {
            completed.send(()).unwrap();
        }
    }
}

fn main() {
    let reviewer = CString::new("reviewer-1").unwrap();
    let review = CString::new("code_review").unwrap();
    let code = CString::new("code").unwrap();
    let capabilities = [code.as_ptr()];
    let verdict = r#"{"verdict":"fine"}"#;
    let (sender, completed) = mpsc::channel::<()>();
    let user_data = &sender as *const mpsc::Sender<()> as *mut c_void;
    let mut plane = ptr::null_mut();
    let mut events = ptr::null_mut();
    let mut reviewed = 0;

    unsafe {
        must(ffi::cp_coordinator_open(&mut plane, ptr::null()));
        must(ffi::cp_event_subscribe(&mut events, plane, ptr::null(), watch, user_data));

        let mut agent = with_defaults(ffi::cp_agent_spec_init);
        agent.agent_id = reviewer.as_ptr();
        agent.capabilities = capabilities.as_ptr();
        agent.capability_count = capabilities.len();
        must(ffi::cp_agent_register(plane, &agent));

        for file in [r#""main.rs""#, r#""util.rs""#, r#""test.rs""#] {
            let mut task = with_defaults(ffi::cp_task_spec_init);
            task.task_type = review.as_ptr();
            task.payload = file.as_ptr() as *const c_char;
            task.payload_length = file.len();
            task.required_capabilities = capabilities.as_ptr();
            task.required_capability_count = capabilities.len();
            must(ffi::cp_task_submit(ptr::null_mut(), plane, &task));
        }

        let mut request = with_defaults(ffi::cp_claim_request_init);
        request.agent_id = reviewer.as_ptr();
        loop {
            let mut task = ptr::null_mut();
            must(ffi::cp_task_claim(&mut task, plane, &request));
            if task.is_null() {
                break;
            }
            println!("reviewing {}", text((*task).payload));
            let mut end = with_defaults(ffi::cp_complete_request_init);
            end.attempt = (*task).attempt;
            end.result = verdict.as_ptr() as *const c_char;
            end.result_length = verdict.len();
            must(ffi::cp_task_complete(plane, &end));
            ffi::cp_claimed_task_free(task);
            reviewed += 1;
        }

        for _ in 0..reviewed {
            completed.recv().unwrap();
        }
        must(ffi::cp_subscription_close(events));
        must(ffi::cp_coordinator_close(plane));
    }
    println!("{reviewed} files reviewed");
}
