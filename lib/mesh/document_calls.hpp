// The calls about documents; coordinator/store_calls.hpp says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/digest.hpp"
#include "base/ids.hpp"
#include "controlplane/document.hpp"
#include "coordinator/call_argument.hpp"
#include "engine/operations.hpp"

namespace controlplane {

struct GetDocumentCall {
  using Answer = Document;
  explicit GetDocumentCall(std::string_view k) : key(k) {}
  NameArgument key;
  GetDocument op;
  Operation& bind() {
    op.key = key.get();
    return op;
  }
  void keep(CallNames&) { key.keep(); }
  Document answer() { return std::move(*op.document); }
};

// What a put leaves behind, but for key and value.
struct PutDocumentCall {
  using Answer = Document;
  PutDocumentCall(std::string_view k, Json v, const PutOptions& o)
      : key(k), value(std::move(v)), options(o) {}
  NameArgument key;
  Json value;
  Argument<PutOptions> options;
  PutDocument op;
  Operation& bind() {
    const PutOptions& given = options.get();
    op.key = key.get();
    op.value = &value;
    op.expected = given.expected_version;
    if (given.ttl) op.ttl_us = std::chrono::microseconds(*given.ttl).count();
    op.operation_id = given.operation_id;
    // A repetition may be encrypted, or in the clear, as the first was not. 0 would be no digest.
    if (!given.operation_id.empty()) op.digest = FieldDigest().add(value.text()).finish() | 1;
    return op;
  }
  void keep(CallNames& names) {
    key.keep();
    std::string& operation_id = options.keep().operation_id;
    if (operation_id.empty()) operation_id = make_operation_id(names.entropy, names.now_us);
  }
  Document answer() {
    return {{}, {}, op.version, op.created_at, op.updated_at, op.expires_at};
  }
};

struct RemoveDocumentCall {
  using Answer = bool;
  RemoveDocumentCall(std::string_view k, std::optional<std::uint64_t> version)
      : key(k), expected(version) {}
  NameArgument key;
  std::optional<std::uint64_t> expected;
  RemoveDocument op;
  Operation& bind() {
    op.key = key.get();
    op.expected = expected;
    return op;
  }
  void keep(CallNames&) { key.keep(); }
  bool answer() const { return op.removed; }
};

struct ListDocumentsCall {
  using Answer = Page<Document>;
  ListDocumentsCall(std::string_view p, const PageRequest& r) : prefix(p), page(r) {}
  NameArgument prefix;
  Argument<PageRequest> page;
  ListDocuments op;
  Operation& bind() {
    op.prefix = prefix.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    prefix.keep();
    page.keep();
  }
  Page<Document> answer() { return std::move(op.documents); }
};

}  // namespace controlplane
