#include "capi/mesh_views.hpp"

#include <utility>

namespace controlplane::capi {
namespace {

// They stay where they are when the permit is moved.
std::vector<cp_permit_part> parts_of(const std::vector<PermitPart>& parts) {
  std::vector<cp_permit_part> all;
  all.reserve(parts.size());
  for (const PermitPart& part : parts) {
    all.push_back({sizeof(cp_permit_part), part.pool.c_str(), part.amount, part.numbers.data(),
                   part.numbers.size()});
  }
  return all;
}

}  // namespace

cp_document view_of(const Document& document) noexcept {
  cp_document out;
  begin(out);
  out.key = document.key.c_str();
  show(out.value, out.value_length, document.value);
  out.version = document.version;
  out.created_at_us = document.created_at;
  out.updated_at_us = document.updated_at;
  out.expires_at_us = document.expires_at;
  out.unreadable = document.unreadable.c_str();
  return out;
}

DocumentView::DocumentView(Document document) : value(std::move(document)) {
  static_cast<cp_document&>(*this) = view_of(value);
}

DocumentPageView::DocumentPageView(Page<Document> page) : cursor(std::move(page.next_cursor)) {
  cp_document_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Document& document : page.items) {
    list.add(std::make_unique<DocumentView>(std::move(document)));
  }
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

ChangeItems::ChangeItems(const std::vector<DocumentChange>& changes) {
  values.reserve(changes.size());
  for (const DocumentChange& change : changes) {
    values.push_back({sizeof(cp_document_change), code(change.kind), change.key.c_str(),
                      change.version, change.time, change.seq});
  }
  items = pointers_to(values);
}

LogPageView::LogPageView(LogPage page) : value(std::move(page)) {
  cp_log_page& out = *this;
  begin(out);
  entry_values.reserve(value.entries.size());
  for (const LogEntry& entry : value.entries) {
    entry_values.push_back(
        {sizeof(cp_log_entry), entry.seq, entry.time, entry.value.c_str(), entry.value.size()});
  }
  entry_items = pointers_to(entry_values);
  out.items = entry_items.data();
  out.count = entry_items.size();
  out.next_after = value.next_after;
  out.first_seq = value.first_seq;
  out.last_seq = value.last_seq;
}

LogInfoView::LogInfoView(LogInfo log) : value(std::move(log)) {
  cp_log_info& out = *this;
  begin(out);
  out.name = value.name.c_str();
  out.max_entries = value.bounds.max_entries;
  out.max_bytes = value.bounds.max_bytes;
  out.max_age_ms = static_cast<std::uint64_t>(value.bounds.max_age.count());
  out.first_seq = value.first_seq;
  out.last_seq = value.last_seq;
  out.entries = value.entries;
  out.bytes = value.bytes;
  out.created_at_us = value.created_at;
}

LogInfoPageView::LogInfoPageView(Page<LogInfo> page) : cursor(std::move(page.next_cursor)) {
  cp_log_info_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (LogInfo& log : page.items) list.add(std::make_unique<LogInfoView>(std::move(log)));
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

PoolView::PoolView(Pool pool) : value(std::move(pool)) {
  cp_pool& out = *this;
  begin(out);
  const PoolSpec& spec = value.spec;
  out.kind = code(spec.kind);
  out.name = spec.name.c_str();
  out.capacity = spec.capacity;
  out.first = spec.first;
  out.last = spec.last;
  out.period_ms = static_cast<std::uint64_t>(spec.period.count());
  weight_values.reserve(spec.weights.size());
  for (const auto& [owner, weight] : spec.weights) weight_values.push_back({owner.c_str(), weight});
  out.weights = weight_values.data();
  out.weight_count = weight_values.size();
  out.used = value.used;
  out.available = value.available;
  out.debt = value.debt;
  out.permits = value.permits;
  out.waiting = value.waiting;
  out.granted_total = value.granted_total;
  out.expired_total = value.expired_total;
}

PoolPageView::PoolPageView(Page<Pool> page) : cursor(std::move(page.next_cursor)) {
  cp_pool_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Pool& pool : page.items) list.add(std::make_unique<PoolView>(std::move(pool)));
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

PermitView::PermitView(Permit&& permit)
    : part_values(parts_of(permit.parts)),
      part_items(pointers_to(part_values)),
      value(std::move(permit)) {
  cp_permit& out = *this;
  begin(out);
  out.ref = {value.fence, value.owner.c_str()};
  out.parts = part_items.data();
  out.part_count = part_items.size();
  out.acquired_at_us = value.acquired_at;
  out.expires_at_us = value.expires_at;
}

PermitPageView::PermitPageView(Page<Permit> page) : cursor(std::move(page.next_cursor)) {
  cp_permit_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Permit& permit : page.items) list.add(std::make_unique<PermitView>(std::move(permit)));
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

LeaseHolderView::LeaseHolderView(LeaseHolder holder) : value(std::move(holder)) {
  cp_lease_holder& out = *this;
  begin(out);
  out.owner = value.owner.c_str();
  out.fence = value.fence;
  out.expires_at_us = value.expires_at;
}

PoolWorkerView::PoolWorkerView(PoolWorker worker) : value(std::move(worker)) {
  cp_pool_worker& out = *this;
  begin(out);
  out.usable = value.usable ? 1 : 0;
  out.agent_id = value.agent_id.c_str();
  capability_list.set(value.capabilities);
  out.capabilities = capability_list.items.data();
  out.capability_count = capability_list.items.size();
  out.slots = value.slots;
  tasks.reserve(value.pending_tasks.size());
  for (const TaskId& task : value.pending_tasks) tasks.push_back(task.str());
  task_list.set(tasks);
  out.pending_tasks = task_list.items.data();
  out.pending_task_count = task_list.items.size();
}

PoolWorkersView::PoolWorkersView(std::vector<PoolWorker> workers) {
  cp_pool_workers& out = *this;
  begin(out);
  list.reserve(workers.size());
  for (PoolWorker& worker : workers) {
    list.add(std::make_unique<PoolWorkerView>(std::move(worker)));
  }
  out.items = list.items.data();
  out.count = list.items.size();
}

MessageView::MessageView(Message&& message) {
  cp_message& out = *this;
  begin(out);
  out.message_id = id.set(message.id);
  value = std::move(message);
  out.delivery = value.delivery;
  out.attempt.task_id = out.message_id;
  out.attempt.lease.nonce = value.lease.nonce();
  out.attempt.lease.attempt = value.lease.attempt();
  out.attempt.agent_id = "";
  out.from = value.from.c_str();
  out.to = value.to.c_str();
  out.type = value.type.c_str();
  show(out.body, out.body_length, value.body);
  out.correlation_id = value.correlation_id.c_str();
  out.key_id = value.key_id.c_str();
  out.sent_at_us = value.sent_at;
  out.visible_at_us = value.visible_at;
}

MessagesView::MessagesView(std::vector<Message>&& messages) {
  cp_messages& out = *this;
  begin(out);
  list.reserve(messages.size());
  for (Message& message : messages) list.add(std::make_unique<MessageView>(std::move(message)));
  out.items = list.items.data();
  out.count = list.items.size();
}

SentView::SentView(Sent sent) : receiver(std::move(sent.to)) {
  cp_sent& out = *this;
  begin(out);
  out.to = receiver.c_str();
  out.message_id = sent.id ? id.set(*sent.id) : "";
  if (!sent.id) error_text = sent.id.error().to_string();
  out.error = error_text.c_str();
  out.status = sent.id ? CP_OK : status_of(sent.id.error().code);
}

SentListView::SentListView(std::vector<Sent> sent) {
  cp_sent_list& out = *this;
  begin(out);
  list.reserve(sent.size());
  for (Sent& one : sent) list.add(std::make_unique<SentView>(std::move(one)));
  out.items = list.items.data();
  out.count = list.items.size();
}

SummaryView::SummaryView(SnapshotSummary summary) : value(std::move(summary)) {
  cp_snapshot_summary& out = *this;
  begin(out);
  out.taken_at_us = value.taken_at;
  out.agents = value.agents;
  out.tasks = value.tasks;
  out.documents = value.documents;
  out.pools = value.pools;
  out.permits = value.permits;
  out.events = value.events;
  out.logs = value.logs;
  out.entries = value.entries;
  out.waiters = value.waiters;
  out.keys = value.keys;
  out.lines = value.lines;
  out.bytes = value.bytes;
  out.sha256 = value.sha256.c_str();
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

void cp_document_free(cp_document* document) { delete static_cast<DocumentView*>(document); }
void cp_document_page_free(cp_document_page* page) { delete static_cast<DocumentPageView*>(page); }
void cp_log_page_free(cp_log_page* page) { delete static_cast<LogPageView*>(page); }
void cp_log_info_free(cp_log_info* log) { delete static_cast<LogInfoView*>(log); }
void cp_log_info_page_free(cp_log_info_page* page) { delete static_cast<LogInfoPageView*>(page); }
void cp_pool_free(cp_pool* pool) { delete static_cast<PoolView*>(pool); }
void cp_pool_page_free(cp_pool_page* page) { delete static_cast<PoolPageView*>(page); }
void cp_permit_free(cp_permit* permit) { delete static_cast<PermitView*>(permit); }
void cp_permit_page_free(cp_permit_page* page) { delete static_cast<PermitPageView*>(page); }
void cp_snapshot_summary_free(cp_snapshot_summary* summary) {
  delete static_cast<SummaryView*>(summary);
}
void cp_lease_holder_free(cp_lease_holder* holder) { delete static_cast<LeaseHolderView*>(holder); }
void cp_pool_workers_free(cp_pool_workers* workers) {
  delete static_cast<PoolWorkersView*>(workers);
}
void cp_message_free(cp_message* message) { delete static_cast<MessageView*>(message); }
void cp_messages_free(cp_messages* messages) { delete static_cast<MessagesView*>(messages); }
void cp_sent_list_free(cp_sent_list* sent) { delete static_cast<SentListView*>(sent); }
