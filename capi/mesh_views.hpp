// What a caller gets of shared state, logs, permits, leases and distributors: views as those of
// views.hpp. Thread safety: plain values, read-only once made. Lifetime: until their cp_…_free().
// Errors: none but std::bad_alloc.
#pragma once

#include <string>
#include <vector>

#include "capi/views.hpp"
#include "controlplane.h"
#include "controlplane/distributor.hpp"
#include "controlplane/document.hpp"
#include "controlplane/lease.hpp"
#include "controlplane/log_entry.hpp"
#include "controlplane/mailbox.hpp"
#include "controlplane/permit.hpp"
#include "controlplane/snapshot.hpp"

namespace controlplane::capi {

// Points into a document that outlives it.
cp_document view_of(const Document& document) noexcept;

struct DocumentView : cp_document, View {
  explicit DocumentView(Document document);
  Document value;
};

struct DocumentPageView : cp_document_page, View {
  explicit DocumentPageView(Page<Document> page);
  std::string cursor;
  ViewList<DocumentView, cp_document> list;
};

// Points into the changes of a vector that outlives it.
struct ChangeItems {
  explicit ChangeItems(const std::vector<DocumentChange>& changes);
  std::vector<cp_document_change> values;
  std::vector<const cp_document_change*> items;
};

struct LogPageView : cp_log_page, View {
  explicit LogPageView(LogPage page);
  LogPage value;
  std::vector<cp_log_entry> entry_values;
  std::vector<const cp_log_entry*> entry_items;
};

struct LogInfoView : cp_log_info, View {
  explicit LogInfoView(LogInfo log);
  LogInfo value;
};

struct LogInfoPageView : cp_log_info_page, View {
  explicit LogInfoPageView(Page<LogInfo> page);
  std::string cursor;
  ViewList<LogInfoView, cp_log_info> list;
};

struct PoolView : cp_pool, View {
  explicit PoolView(Pool pool);
  Pool value;
  std::vector<cp_pool_weight> weight_values;
};

struct PoolPageView : cp_pool_page, View {
  explicit PoolPageView(Page<Pool> page);
  std::string cursor;
  ViewList<PoolView, cp_pool> list;
};

// Takes the permit once there is memory for the rest: else it is left as it was, for somebody to
// give it back.
struct PermitView : cp_permit, View {
  explicit PermitView(Permit&& permit);
  std::vector<cp_permit_part> part_values;
  std::vector<const cp_permit_part*> part_items;
  Permit value;
};

struct PermitPageView : cp_permit_page, View {
  explicit PermitPageView(Page<Permit> page);
  std::string cursor;
  ViewList<PermitView, cp_permit> list;
};

struct SummaryView : cp_snapshot_summary, View {
  explicit SummaryView(SnapshotSummary summary);
  SnapshotSummary value;
};

struct LeaseHolderView : cp_lease_holder, View {
  explicit LeaseHolderView(LeaseHolder holder);
  LeaseHolder value;
};

struct PoolWorkerView : cp_pool_worker, View {
  explicit PoolWorkerView(PoolWorker worker);
  PoolWorker value;
  TextList capability_list, task_list;
  std::vector<std::string> tasks;
};

struct PoolWorkersView : cp_pool_workers, View {
  explicit PoolWorkersView(std::vector<PoolWorker> workers);
  ViewList<PoolWorkerView, cp_pool_worker> list;
};

// Takes the message once there is memory for the rest, as PermitView does.
struct MessageView : cp_message, View {
  explicit MessageView(Message&& message);
  ShortText id;
  Message value;
};

struct MessagesView : cp_messages, View {
  explicit MessagesView(std::vector<Message>&& messages);
  ViewList<MessageView, cp_message> list;
};

struct SentView : cp_sent, View {
  explicit SentView(Sent sent);
  ShortText id;
  std::string receiver, error_text;
};

struct SentListView : cp_sent_list, View {
  explicit SentListView(std::vector<Sent> sent);
  ViewList<SentView, cp_sent> list;
};

}  // namespace controlplane::capi
