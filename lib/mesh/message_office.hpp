// How a message is made for the store, and what is believed of what comes out of it.
// Thread safety: from any thread.
// Errors: what is not believed says why.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "controlplane/mailbox.hpp"
#include "coordinator/checks.hpp"
#include "coordinator/coordinator_core.hpp"
#include "coordinator/task_calls.hpp"
#include "mesh/message_envelope.hpp"

namespace controlplane {

// To whom, and what. Views.
struct Letter {
  std::string_view from, to, type, body;
};

Checks check_letter(CoordinatorCore& core, const Letter& letter, const SendOptions& options);

// The task of a letter that was checked, signed.
void prepare_letter(CoordinatorCore& core, const Letter& letter, const SendOptions& options,
                    TaskSpec& spec, TaskDraft& draft);

// Counts what became of a send: `made` is the id that its draft had, another one that of the first of
// several.
void count_sent(CoordinatorCore& core, const TaskId& made, const Result<TaskId>& answer);

// The message that `agent` claimed; what is not genuine is an error.
Result<Message> open_message(CoordinatorCore& core, const std::string& agent, const ClaimedTask& task);
// Fails it for good, so that it is a dead letter which says why.
void refuse_message(CoordinatorCore& core, const ClaimedTask& task, const Error& why);

// The result of the task of `request`, signed.
Json write_reply(CoordinatorCore& core, const Message& request, std::string_view body);
// What the task of a request says in the end.
Result<Message> open_reply(CoordinatorCore& core, std::string_view from, std::string_view to,
                           const Task& task);

}  // namespace controlplane
