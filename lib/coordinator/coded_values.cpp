#include "coordinator/coded_values.hpp"

#include <string>
#include <utility>

namespace controlplane {
namespace {

constexpr std::string_view kTask = "task";

Json encode_task(const PayloadCodec& codec, const TaskId& id, std::string_view field,
                 const Json& plain) {
  if (plain.empty()) return plain;
  return codec.encode({kTask, id.str(), field}, plain);
}

Json encode_document(const PayloadCodec& codec, std::string_view key, const Json& plain) {
  return codec.encode({"document", key, "value"}, plain);
}

// The value becomes the plain one, or empty.
Result<void> decode(const PayloadCodec& codec, const ValuePlace& place, Json& value) {
  if (value.empty()) return {};
  Result<Json> plain = codec.decode(place, value);
  value = plain ? *std::move(plain) : Json();
  if (!plain) return std::move(plain.error());
  return {};
}

// A replay has the payload that was given for the first of its row.
Result<void> decode_payload(const PayloadCodec& codec, const TaskId& id, const TaskDetails* details,
                            Json& payload) {
  const bool replayed = details != nullptr && !details->original.empty();
  return decode(codec, {kTask, (replayed ? details->original : id).str(), "payload"}, payload);
}

// All that can be decoded is; the first error of the rest.
Result<void> decode(const PayloadCodec& codec, Task& task) {
  const std::string id = task.id.str();
  Result<void> payload = decode_payload(codec, task.id, task.details.get(), task.payload);
  Result<void> checkpoint = decode(codec, {kTask, id, "checkpoint"}, task.checkpoint);
  Result<void> result = decode(codec, {kTask, id, "result"}, task.result);
  if (!payload) return payload;
  return checkpoint ? result : checkpoint;
}

Result<void> decode(const PayloadCodec& codec, Document& document) {
  return decode(codec, {"document", document.key, "value"}, document.value);
}

template <class Item>
void decode_item(const PayloadCodec& codec, Operation& op, std::optional<Item>& item) {
  if (!item) return;
  if (auto decoded = decode(codec, *item); !decoded) {
    op.failed = std::move(decoded.error());
    item.reset();
  }
}

template <class Item>
void decode_page(const PayloadCodec& codec, Page<Item>& page) {
  for (Item& item : page.items) {
    if (auto decoded = decode(codec, item); !decoded) {
      item.unreadable = std::move(decoded.error().message);
    }
  }
}

template <class Op>
Op& as(Operation& op) noexcept {
  return static_cast<Op&>(op);
}

// A waiter and get_task read the snapshot; get_status asks for the state only.
bool wants_task(const GetTask& op) noexcept { return op.watch || !op.only_terminal; }

}  // namespace

bool carries_values(const Operation& op) noexcept {
  switch (op.kind) {
    case OperationKind::claim:
    case OperationKind::list_tasks:
    case OperationKind::get_document:
    case OperationKind::list_documents:
      return true;
    case OperationKind::get_task:
      return wants_task(static_cast<const GetTask&>(op));
    default:
      return gives_values(op);
  }
}

bool gives_values(const Operation& op) noexcept {
  switch (op.kind) {
    case OperationKind::submit:
    case OperationKind::put_document:
      return true;
    case OperationKind::end:
      return static_cast<const EndAttempts&>(op).end == EndKind::complete;
    case OperationKind::hold:
      return static_cast<const HoldAttempts&>(op).hold == HoldKind::progress;
    default:
      return false;
  }
}

void LentValues::lend(const PayloadCodec& codec, Operation& op) {
  if (op.kind == OperationKind::submit) {
    for (TaskDraft& draft : as<SubmitTasks>(op).tasks) {
      plain_.push_back(draft.spec->payload);
      draft.spec->payload = encode_task(codec, draft.id, "payload", plain_.back());
    }
  } else if (op.kind == OperationKind::end) {
    for (AttemptEnd& item : as<EndAttempts>(op).items) {
      plain_.push_back(item.result);
      item.result = encode_task(codec, item.attempt->task_id, "result", plain_.back());
    }
  } else if (op.kind == OperationKind::hold) {
    progress_ = as<HoldAttempts>(op).progress;
    encoded_progress_ = *progress_;
    encoded_progress_->data =
        encode_task(codec, progress_->attempt.task_id, "checkpoint", progress_->data);
    as<HoldAttempts>(op).progress = &*encoded_progress_;
  } else if (op.kind == OperationKind::put_document) {
    auto& put = as<PutDocument>(op);
    value_ = put.value;
    encoded_value_ = encode_document(codec, put.key, *value_);
    put.value = &encoded_value_;
  }
}

void LentValues::take_back(Operation& op) {
  if (op.kind == OperationKind::submit) {
    auto plain = plain_.begin();
    for (TaskDraft& draft : as<SubmitTasks>(op).tasks) draft.spec->payload = std::move(*plain++);
  } else if (op.kind == OperationKind::end) {
    auto plain = plain_.begin();
    for (AttemptEnd& item : as<EndAttempts>(op).items) item.result = std::move(*plain++);
  } else if (op.kind == OperationKind::hold) {
    as<HoldAttempts>(op).progress = progress_;
  } else if (op.kind == OperationKind::put_document) {
    as<PutDocument>(op).value = value_;
  }
  plain_.clear();
}

Result<void> decode(const PayloadCodec& codec, ClaimedTask& task) {
  auto payload = decode_payload(codec, task.id, task.details.get(), task.payload);
  if (!payload) return payload;
  return decode(codec, {kTask, task.id.str(), "checkpoint"}, task.checkpoint);
}

void decode_answer(const PayloadCodec& codec, Operation& op) {
  switch (op.kind) {
    case OperationKind::get_task:
      return decode_item(codec, op, as<GetTask>(op).task);
    case OperationKind::list_tasks:
      return decode_page(codec, as<ListTasks>(op).tasks);
    case OperationKind::get_document:
      return decode_item(codec, op, as<GetDocument>(op).document);
    case OperationKind::list_documents:
      return decode_page(codec, as<ListDocuments>(op).documents);
    default:
      return;
  }
}

}  // namespace controlplane
