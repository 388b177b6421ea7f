// Versioned JSON documents of one tenant: compare and set, time to live, ordered by key.
// A document that has expired is absent for every operation that touches it; its timer only tells
// when nobody does.
// Versions: a key that comes back begins above every version that was ever deleted, so that what
// was read before the delete can never pass for what is there now.
// Thread safety: none; lives under the lock of its namespace.
// Errors: written into the operation; an operation that failed changed nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/document.hpp"
#include "controlplane/limits.hpp"
#include "controlplane/stats.hpp"
#include "engine/deadline_heap.hpp"
#include "engine/effects.hpp"
#include "engine/export_cut.hpp"
#include "engine/key_index.hpp"
#include "engine/operations.hpp"
#include "engine/slab.hpp"

namespace controlplane {

struct DocumentRecord {
  Document document;
  std::string operation;         // that made this version; "" = it was not named
  std::uint64_t digest = 0;      // as that operation said
  std::uint32_t place = kNoSlot;  // in the heap of expiries
};

struct DocumentRow;
struct RowCounts;
struct TotalsRow;

class DocumentTable {
 public:
  explicit DocumentTable(const Limits& limits) : limits_(limits), expiries_(PlaceOf{&records_}) {}
  DocumentTable(const DocumentTable&) = delete;
  DocumentTable& operator=(const DocumentTable&) = delete;

  void get(GetDocument& op, Timestamp now, Effects& effects);
  void put(PutDocument& op, Timestamp now, Effects& effects);
  void remove(RemoveDocument& op, Timestamp now, Effects& effects);
  void list(ListDocuments& op, Timestamp now) const;

  Timestamp next_due() const noexcept { return expiries_.next(); }
  void expire_one(Timestamp now, Effects& effects);  // Precondition: next_due() <= now

  const DocumentStats& stats() const noexcept { return stats_; }
  void add_to(FieldDigest& digest) const;

  // document_rows.cpp: for an export and an import
  void begin_export(ExportAside& aside);
  void end_export() noexcept { records_.cut.end(); }
  bool read_documents(RowBuffer& out, std::size_t bytes, int& visits) {
    return records_.cut.read(out, bytes, visits);
  }
  void add_to(RowCounts& counts, TotalsRow& totals) const;
  Result<void> restore(const DocumentRow& row);
  Result<void> restore(const TotalsRow& totals);

 private:
  friend struct EngineAudit;
  struct PlaceOf {
    Slab<DocumentRecord>* records;
    std::uint32_t& operator()(Slot slot) const { return (*records)[slot].place; }
  };

  Slot find(std::string_view key, Timestamp now, Effects& effects);
  bool answers_again(PutDocument& op, Slot slot);
  bool may_put(PutDocument& op, Slot slot);
  void write(PutDocument& op, Slot slot, Timestamp now);
  Slot add(std::string_view key, Timestamp now);
  void drop(Slot slot, EventType why, Timestamp now, Effects& effects);
  static std::uint64_t bytes_of(const Document& document) noexcept;

  const Limits& limits_;
  CutSlab<DocumentRecord> records_;
  KeyIndex index_;
  DeadlineHeap<PlaceOf> expiries_;
  std::uint64_t last_dropped_ = 0;  // the highest version of all documents that are gone
  DocumentStats stats_;
};

}  // namespace controlplane
