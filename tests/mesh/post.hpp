// Mailboxes as the tests open them.
// Thread safety: as the coordinator's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "controlplane/mailbox.hpp"
#include "coordinator/plane.hpp"
#include "coordinator/prepared_work.hpp"
#include "engine/mailbox_name.hpp"

namespace controlplane {

inline SecretKey key_of(std::string id, char byte, KeyState state = KeyState::active) {
  return {std::move(id), std::string(32, byte), state};
}

inline Config signing(Config config = {}) {
  config.signing_keys = KeyRing::of({key_of("k1", '1')}).value();
  return config;
}

inline ReceiveOptions up_to(std::uint32_t max, std::chrono::milliseconds wait = {},
                            std::chrono::milliseconds visibility = std::chrono::seconds(30)) {
  ReceiveOptions options;
  options.max_messages = max;
  options.wait = wait;
  options.visibility = visibility;
  return options;
}

// What other processes do with the store, past every Mailbox.
inline Result<TaskId> plant(CoordinatorCore& core, const TaskId& id, Json payload, std::string_view to,
                            std::string type = std::string(kMessageType)) {
  TaskSpec spec;
  spec.task_type = std::move(type);
  spec.payload = std::move(payload);
  spec.agent_id = mailbox_of(to);
  TaskDraft draft;
  draft.spec = &spec;
  draft.id = id;
  return submit_prepared(core, spec, draft);
}

inline std::vector<std::string> bodies(const std::vector<Message>& messages) {
  std::vector<std::string> texts;
  for (const Message& message : messages) texts.push_back(message.body.str());
  return texts;
}

inline std::vector<std::string> dead_letters(Coordinator& plane) {
  std::vector<std::string> errors;
  for (const Task& task : plane.list_dead_letters().value().items) errors.push_back(task.error);
  return errors;
}

}  // namespace controlplane
