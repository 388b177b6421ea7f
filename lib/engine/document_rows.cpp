// Documents as rows, and back.
#include <fmt/format.h>

#include <algorithm>

#include "engine/document_table.hpp"
#include "engine/restore.hpp"
#include "engine/row_record.hpp"

namespace controlplane {

void DocumentTable::begin_export(ExportAside& aside) {
  records_.cut.begin(records_.end(), aside, [this](Slot slot, RowBuffer& out) {
    const DocumentRecord& record = std::as_const(records_)[slot];
    const Document& document = record.document;
    if (document.key.empty()) return false;
    DocumentRow row;
    row.key.text = document.key;
    row.version = document.version;
    row.created_at = document.created_at;
    row.updated_at = document.updated_at;
    row.expires_at = document.expires_at;
    row.operation.text = record.operation;
    row.digest.value = record.digest;
    row.value.text = document.value;
    append_framed(out, row);
    return true;
  });
}

void DocumentTable::add_to(RowCounts& counts, TotalsRow& totals) const {
  counts.documents = stats_.documents;
  totals.last_dropped = last_dropped_;
  totals.puts = stats_.puts_total;
  totals.conflicts = stats_.conflicts_total;
  totals.deletes = stats_.deletes_total;
  totals.documents_expired = stats_.expired_total;
}

Result<void> DocumentTable::restore(const DocumentRow& row) {
  if (index_.find(row.key.text) != kNoSlot) {
    return Error::invalid_argument(fmt::format("document {} is there twice", row.key.text));
  }
  if (row.version == 0) return Error::invalid_argument("version is 0");
  if (row.version > kMaxNumber) return Error::invalid_argument("version is too high");
  if (stats_.documents >= limits_.max_documents) {
    return Error::resource_exhausted(
        fmt::format("there are more documents than max_documents ({})", limits_.max_documents));
  }
  const Slot slot = add(row.key.text, row.created_at);
  DocumentRecord& record = records_[slot];
  Document& document = record.document;
  document.value = Json(row.value.text);
  stats_.bytes += document.value.size();
  if (stats_.bytes > limits_.max_documents_bytes) {
    return Error::resource_exhausted(fmt::format(
        "the documents are more than max_documents_bytes ({})", limits_.max_documents_bytes));
  }
  document.version = row.version;
  document.updated_at = row.updated_at;
  document.expires_at = row.expires_at;
  record.operation = row.operation.text;
  record.digest = row.digest.value;
  if (row.expires_at != 0) expiries_.set(slot, row.expires_at);
  return {};
}

Result<void> DocumentTable::restore(const TotalsRow& totals) {
  last_dropped_ = totals.last_dropped;
  stats_.puts_total = totals.puts;
  stats_.conflicts_total = totals.conflicts;
  stats_.deletes_total = totals.deletes;
  stats_.expired_total = totals.documents_expired;
  return {};
}

}  // namespace controlplane
