#include "engine/document_table.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"

namespace controlplane {
namespace {

void answer(PutDocument& op, const Document& document) {
  op.version = document.version;
  op.created_at = document.created_at;
  op.updated_at = document.updated_at;
  op.expires_at = document.expires_at;
}

Error no_document(std::string_view key) {
  return Error::not_found(fmt::format("there is no document {}", key));
}

Error wrong_version(std::string_view key, std::uint64_t current, std::uint64_t expected) {
  if (current == 0) {
    return Error::conflict(fmt::format("there is no document {}; version {} was expected", key, expected));
  }
  return Error::conflict(
      expected == 0
          ? fmt::format("document {} has version {}; it was expected not to exist", key, current)
          : fmt::format("document {} has version {}; version {} was expected", key, current, expected));
}

Error too_many(std::string_view key, std::string_view what, std::uint64_t max) {
  return Error::resource_exhausted(
      fmt::format("document {} would be too much; the limit {} is {}", key, what, max));
}

void tell(Effects& effects, EventType type, const Document& document, Timestamp now) {
  EventDraft event;
  event.type = type;
  event.time = now;
  event.subject = document.key;
  event.count = document.version;
  effects.event(event);
}

}  // namespace

std::uint64_t DocumentTable::bytes_of(const Document& document) noexcept {
  return document.key.size() + document.value.size();
}

Slot DocumentTable::find(std::string_view key, Timestamp now, Effects& effects) {
  const Slot slot = index_.find(key);
  if (slot == kNoSlot) return kNoSlot;
  const Timestamp expires = std::as_const(records_)[slot].document.expires_at;
  if (expires == 0 || expires > now) return slot;
  drop(slot, EventType::document_expired, now, effects);
  return kNoSlot;
}

void DocumentTable::get(GetDocument& op, Timestamp now, Effects& effects) {
  op.document.reset();
  const Slot slot = find(op.key, now, effects);
  if (slot == kNoSlot) {
    op.failed = no_document(op.key);
  } else {
    op.document = std::as_const(records_)[slot].document;
  }
}

void DocumentTable::put(PutDocument& op, Timestamp now, Effects& effects) {
  Slot slot = find(op.key, now, effects);
  if (slot != kNoSlot && answers_again(op, slot)) return;
  if (!may_put(op, slot)) return;
  if (slot == kNoSlot) slot = add(op.key, now);
  write(op, slot, now);
  answer(op, records_[slot].document);
  ++stats_.puts_total;
  tell(effects, EventType::document_put, records_[slot].document, now);
}

// True: this very put made the version that is there, or it names itself as another one did.
bool DocumentTable::answers_again(PutDocument& op, Slot slot) {
  const DocumentRecord& record = std::as_const(records_)[slot];
  if (op.operation_id.empty() || record.operation != op.operation_id) return false;
  const bool same = op.digest != 0 ? record.digest == op.digest : record.document.value == *op.value;
  if (same) {
    answer(op, record.document);
  } else {
    op.failed = Error::already_exists(fmt::format(
        "operation {} has put another value into document {}", op.operation_id, op.key));
  }
  return true;
}

bool DocumentTable::may_put(PutDocument& op, Slot slot) {
  const Document* current = slot == kNoSlot ? nullptr : &std::as_const(records_)[slot].document;
  const std::uint64_t version = current == nullptr ? 0 : current->version;
  if (op.expected && *op.expected != version) {
    ++stats_.conflicts_total;
    op.failed = wrong_version(op.key, version, *op.expected);
  } else if (current == nullptr && stats_.documents >= limits_.max_documents) {
    op.failed = too_many(op.key, "max_documents", limits_.max_documents);
  } else if (stats_.bytes - (current == nullptr ? 0 : bytes_of(*current)) + op.key.size() +
                 op.value->size() > limits_.max_documents_bytes) {
    op.failed = too_many(op.key, "max_documents_bytes", limits_.max_documents_bytes);
  }
  return !op.failed;
}

Slot DocumentTable::add(std::string_view key, Timestamp now) {
  const Slot slot = records_.take();
  Document& document = records_[slot].document;
  document.key = key;
  document.version = last_dropped_;
  document.created_at = now;
  index_.add(document.key, slot);
  ++stats_.documents;
  stats_.bytes += bytes_of(document);
  return slot;
}

void DocumentTable::write(PutDocument& op, Slot slot, Timestamp now) {
  DocumentRecord& record = records_[slot];
  Document& document = record.document;
  stats_.bytes -= bytes_of(document);
  document.value = *op.value;
  stats_.bytes += bytes_of(document);
  document.updated_at = now;
  ++document.version;
  record.operation = op.operation_id;
  record.digest = op.digest;
  if (!op.ttl_us) return;
  document.expires_at = *op.ttl_us == 0 ? 0 : now + *op.ttl_us;
  if (document.expires_at == 0) {
    expiries_.erase(slot);
  } else {
    expiries_.set(slot, document.expires_at);
  }
}

void DocumentTable::remove(RemoveDocument& op, Timestamp now, Effects& effects) {
  const Slot slot = find(op.key, now, effects);
  op.removed = false;
  if (slot == kNoSlot) return;
  const std::uint64_t version = std::as_const(records_)[slot].document.version;
  if (op.expected && *op.expected != version) {
    ++stats_.conflicts_total;
    op.failed = wrong_version(op.key, version, *op.expected);
    return;
  }
  drop(slot, EventType::document_deleted, now, effects);
  ++stats_.deletes_total;
  op.removed = true;
}

void DocumentTable::drop(Slot slot, EventType why, Timestamp now, Effects& effects) {
  const Document& document = records_[slot].document;
  tell(effects, why, document, now);
  last_dropped_ = std::max(last_dropped_, document.version);
  stats_.bytes -= bytes_of(document);
  --stats_.documents;
  if (why == EventType::document_expired) ++stats_.expired_total;
  expiries_.erase(slot);
  index_.remove(document.key);
  records_.give_back(slot);
}

void DocumentTable::expire_one(Timestamp now, Effects& effects) {
  drop(expiries_.top(), EventType::document_expired, now, effects);
}

void DocumentTable::list(ListDocuments& op, Timestamp now) const {
  op.documents = {};
  std::vector<Document>& items = op.documents.items;
  index_.scan(op.prefix, op.page->cursor, [&](std::string_view, Slot slot) {
    const Document& document = records_[slot].document;
    if (document.expires_at != 0 && document.expires_at <= now) return true;
    if (items.size() == op.page->max_items) {
      op.documents.next_cursor = items.back().key;
      return false;
    }
    items.push_back(document);
    return true;
  });
}

void DocumentTable::add_to(FieldDigest& digest) const {
  digest.add(last_dropped_).add(stats_.documents);
  index_.scan({}, {}, [&](std::string_view key, Slot slot) {
    const DocumentRecord& record = records_[slot];
    const Document& document = record.document;
    digest.add(key).add(document.value.text()).add(document.version).add(record.operation);
    digest.add(record.digest);
    digest.add(static_cast<std::uint64_t>(document.expires_at));
    return true;
  });
}

}  // namespace controlplane
