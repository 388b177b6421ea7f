#include "capi/completion_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "capi/defaults.hpp"
#include "capi/input.hpp"
#include "capi/mesh_views.hpp"

namespace controlplane::capi {

CompletionBox::CompletionBox(cp_coordinator* its_plane, std::int32_t its_call, void* its_user_data)
    : plane(its_plane) {
  cp_completion& out = *this;
  std::memset(&out, 0, sizeof(out));
  out.struct_size = sizeof(out);
  out.call = its_call;
  out.error = "";
  out.user_data = its_user_data;
  out.task_state = CP_UNSET;
}

void CompletionBox::fail(const Error& why) {
  error_text = why.to_string();
  status = status_of(why.code);
  outcome_unknown = why.outcome_unknown ? 1 : 0;
  error = error_text.c_str();
}

void CompletionBox::fail(ErrorCode code, const char* why) noexcept {
  status = status_of(code);
  error = why;
}

void CompletionBox::drop() noexcept {
  if (claimed_task != nullptr) {
    hand_back(plane, static_cast<const ClaimedTaskView*>(claimed_task)->value);
  }
  if (claimed_tasks != nullptr) {
    const auto& claimed = static_cast<const ClaimedTasksView*>(claimed_tasks)->list;
    for (const auto& view : claimed.views) hand_back(plane, view->value);
  }
  if (messages != nullptr) {
    const auto& received = static_cast<const MessagesView*>(messages)->list;
    for (const auto& view : received.views) hand_back(plane, view->value);
  }
  (void)cp_lease_close(named_lease);
  if (permit != nullptr) hand_back(plane, static_cast<const PermitView*>(permit)->value);
  delete this;
}

Ticket::~Ticket() {
  answer([](CompletionBox& box) {
    box.fail(ErrorCode::cancelled, "cancelled: the coordinator is closed");
  });
}

bool Ticket::withdraw() noexcept { return queue_->withdraw(*this); }

void CompletionQueue::List::push(CompletionBox* box) noexcept {
  box->before = last;
  box->after = nullptr;
  (last == nullptr ? first : last->after) = box;
  last = box;
}

void CompletionQueue::List::remove(CompletionBox* box) noexcept {
  (box->before == nullptr ? first : box->before->after) = box->after;
  (box->after == nullptr ? last : box->after->before) = box->before;
}

std::shared_ptr<CompletionQueue> CompletionQueue::open(std::uint64_t max_outstanding) {
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) {
    refuse(ErrorCode::resource_exhausted, std::string("eventfd: ") + std::strerror(errno));
  }
  return std::shared_ptr<CompletionQueue>(new CompletionQueue(descriptor, max_outstanding));
}

std::shared_ptr<Ticket> CompletionQueue::issue(cp_coordinator* plane, std::int32_t call,
                                               void* user_data) {
  auto ticket = std::make_shared<Ticket>(shared_from_this());
  auto box = std::make_unique<CompletionBox>(plane, call, user_data);
  const std::lock_guard lock(mutex_);
  if (cancelled_) refuse(ErrorCode::failed_precondition, "queue is cancelled");
  if (issued_ >= max_outstanding_) {
    refuse(ErrorCode::resource_exhausted,
           "queue: " + std::to_string(issued_) +
               " completions are not drained; the limit max_outstanding is " +
               std::to_string(max_outstanding_));
  }
  ++issued_;
  box->ticket = ticket.get();
  ticket->box_ = box.get();
  outstanding_.push(box.release());
  return ticket;
}

CompletionBox* CompletionQueue::take(Ticket& ticket) noexcept {
  const std::lock_guard lock(mutex_);
  CompletionBox* box = std::exchange(ticket.box_, nullptr);
  if (box == nullptr) return nullptr;
  outstanding_.remove(box);
  ++filling_;
  return box;
}

bool CompletionQueue::withdraw(Ticket& ticket) noexcept {
  const std::lock_guard lock(mutex_);
  CompletionBox* box = std::exchange(ticket.box_, nullptr);
  if (box == nullptr) return false;
  outstanding_.remove(box);
  delete box;
  --issued_;
  return true;
}

void CompletionQueue::push(CompletionBox* box) noexcept {
  const std::lock_guard lock(mutex_);
  make_ready(box);
  if (--filling_ == 0) filled_.notify_all();
}

// The descriptor counts to one: it is written when the queue goes non-empty and read when it goes
// empty.
void CompletionQueue::make_ready(CompletionBox* box) noexcept {
  ready_.push(box);
  if (readable_) return;
  const std::uint64_t one = 1;
  readable_ = write(descriptor_, &one, sizeof(one)) == sizeof(one);
}

std::size_t CompletionQueue::drain(cp_completion** items, std::size_t capacity) noexcept {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (; count < capacity && ready_.first != nullptr; ++count) {
    CompletionBox* box = ready_.first;
    ready_.remove(box);
    items[count] = box;
  }
  issued_ -= count;
  if (ready_.first == nullptr && readable_) {
    std::uint64_t counted = 0;
    readable_ = read(descriptor_, &counted, sizeof(counted)) != sizeof(counted);
  }
  return count;
}

void CompletionQueue::cancel() noexcept {
  std::unique_lock lock(mutex_);
  cancelled_ = true;
  while (CompletionBox* box = outstanding_.first) {
    outstanding_.remove(box);
    std::exchange(box->ticket, nullptr)->box_ = nullptr;
    box->fail(ErrorCode::cancelled, "cancelled: the queue was cancelled");
    make_ready(box);
  }
  // Whoever fills one now is about to push it: after this there is nothing outstanding at all.
  filled_.wait(lock, [this] { return filling_ == 0; });
}

void CompletionQueue::close() noexcept {
  cancel();
  List left;
  {
    const std::lock_guard lock(mutex_);
    left = std::exchange(ready_, List());
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  while (CompletionBox* box = left.first) {
    left.remove(box);
    box->drop();
  }
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

int32_t cp_queue_open(cp_queue** out, const cp_queue_options* options) {
  return guard([&] {
    require(out, "out");
    *out = nullptr;
    const auto in = Input<cp_queue_options>::optional(options);
    if (in->max_outstanding == 0) refuse("max_outstanding is 0; it must be at least 1");
    auto queue = std::make_unique<Queue>(CompletionQueue::open(in->max_outstanding));
    *out = give_out<cp_queue>(queue.release());
    return CP_OK;
  });
}

int32_t cp_queue_completion_fd(int32_t* out, cp_queue* queue) {
  return guard([&] {
    require(out, "out");
    *out = -1;
    *out = Held<Queue>(queue)->completions->descriptor();
    return CP_OK;
  });
}

int32_t cp_queue_drain(size_t* out, cp_queue* queue, cp_completion** items, size_t capacity) {
  return guard([&] {
    require(out, "out");
    *out = 0;
    if (capacity > 0) require(items, "items");
    *out = Held<Queue>(queue)->completions->drain(items, capacity);
    return CP_OK;
  });
}

int32_t cp_queue_cancel(cp_queue* queue) {
  return guard([&] {
    Held<Queue>(queue)->completions->cancel();
    return CP_OK;
  });
}

int32_t cp_queue_close(cp_queue* queue) {
  return guard([&] {
    if (queue == nullptr) return CP_OK;
    const Closing<Queue> closing(queue);
    closing->completions->cancel();
    return CP_OK;
  });
}

void cp_completion_free(cp_completion* completion) {
  delete static_cast<CompletionBox*>(completion);
}
