// An agent reviews three files while somebody watches, through controlplane.h.
package main

/*
#cgo LDFLAGS: -lcontrolplane_capi
#include <controlplane.h>
#include <stdlib.h>

// Macros that initialize structs are nothing that Go could call.
static cp_agent_spec agent_spec(void) { return (cp_agent_spec)CP_AGENT_SPEC_INIT; }
static cp_task_spec task_spec(void) { return (cp_task_spec)CP_TASK_SPEC_INIT; }
static cp_claim_request claim_request(void) { return (cp_claim_request)CP_CLAIM_REQUEST_INIT; }
static cp_complete_request complete_request(void) {
  return (cp_complete_request)CP_COMPLETE_REQUEST_INIT;
}

void watch(cp_event_batch *batch, void *user_data);
static int32_t subscribe(cp_subscription **out, cp_coordinator *plane) {
  return cp_event_subscribe(out, plane, NULL, (cp_event_callback)watch, NULL);
}
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

var completed = make(chan string, 16)

// A thread of the library calls it, one batch at a time.
//
//export watch
func watch(batch *C.cp_event_batch, _ unsafe.Pointer) {
	for _, event := range unsafe.Slice(batch.items, batch.count) {
		kind, subject := C.GoString(event._type), C.GoString(event.subject)
		fmt.Println(kind, subject)
		if kind == "task.completed" {
			completed <- subject
		}
	}
}

// The text of an error belongs to the thread that made the call: main is locked to its own.
func must(status C.int32_t) {
	if status != C.CP_OK {
		fmt.Fprintln(os.Stderr, C.GoString(C.cp_last_error()))
		os.Exit(1)
	}
}

// Texts in memory of C, as C keeps pointers to them in structs.
type arena struct{ texts []unsafe.Pointer }

func (a *arena) text(text string) *C.char {
	made := C.CString(text)
	a.texts = append(a.texts, unsafe.Pointer(made))
	return made
}

func (a *arena) list(text string) **C.char {
	made := (**C.char)(C.malloc(C.size_t(unsafe.Sizeof(uintptr(0)))))
	*made = a.text(text)
	a.texts = append(a.texts, unsafe.Pointer(made))
	return made
}

func (a *arena) free() {
	for _, text := range a.texts {
		C.free(text)
	}
}

func main() {
	runtime.LockOSThread()
	memory := &arena{}
	defer memory.free()
	code := memory.list("code")

	var plane *C.cp_coordinator
	must(C.cp_coordinator_open(&plane, nil))
	var events *C.cp_subscription
	must(C.subscribe(&events, plane))

	agent := C.agent_spec()
	agent.agent_id = memory.text("reviewer-1")
	agent.capabilities, agent.capability_count = code, 1
	must(C.cp_agent_register(plane, &agent))

	for _, file := range []string{`"main.go"`, `"util.go"`, `"test.go"`} {
		task := C.task_spec()
		task.task_type = memory.text("code_review")
		task.payload, task.payload_length = memory.text(file), C.size_t(len(file))
		task.required_capabilities, task.required_capability_count = code, 1
		must(C.cp_task_submit(nil, plane, &task))
	}

	verdict := `{"verdict":"fine"}`
	request := C.claim_request()
	request.agent_id = agent.agent_id
	reviewed := 0
	for ; ; reviewed++ {
		var task *C.cp_claimed_task
		must(C.cp_task_claim(&task, plane, &request))
		if task == nil {
			break
		}
		fmt.Println("reviewing", C.GoStringN(task.payload, C.int(task.payload_length)))
		end := C.complete_request()
		end.attempt = task.attempt
		end.result, end.result_length = memory.text(verdict), C.size_t(len(verdict))
		must(C.cp_task_complete(plane, &end))
		C.cp_claimed_task_free(task)
	}

	for i := 0; i < reviewed; i++ {
		<-completed
	}
	must(C.cp_subscription_close(events))
	must(C.cp_coordinator_close(plane))
	fmt.Println(reviewed, "files reviewed")
}
