// The calls about logs; store_calls.hpp says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/ids.hpp"
#include "controlplane/log_entry.hpp"
#include "coordinator/call_argument.hpp"
#include "engine/operations.hpp"

namespace controlplane {

struct AppendLogCall {
  using Answer = std::uint64_t;
  AppendLogCall(std::string_view n, Json e, std::string_view id)
      : name(n), entry(std::move(e)), operation_id(id) {}
  NameArgument name;
  Json entry;
  NameArgument operation_id;
  AppendLog op;
  Operation& bind() {
    op.name = name.get();
    op.entry = &entry;
    op.operation_id = operation_id.get();
    return op;
  }
  void keep(CallNames& names) {
    name.keep();
    std::string& id = operation_id.keep();
    if (id.empty()) id = make_operation_id(names.entropy, names.now_us);
  }
  std::uint64_t answer() const { return op.seq; }
};

struct ReadLogCall {
  using Answer = LogPage;
  ReadLogCall(std::string_view n, std::uint64_t a, std::size_t m, bool w)
      : name(n), after(a), max_items(m), waits(w) {}
  NameArgument name;
  std::uint64_t after;
  std::size_t max_items;
  bool waits;  // if there is nothing, the store will tell
  ReadLog op;
  Operation& bind() {
    op.name = name.get();
    op.after = after;
    op.max_items = max_items;
    op.waits = waits;
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  LogPage answer() { return std::move(op.page); }
};

struct DefineLogCall {
  using Answer = LogInfo;
  DefineLogCall(std::string_view n, const LogBounds& b) : name(n), bounds(b) {}
  NameArgument name;
  LogBounds bounds;
  DefineLog op;
  Operation& bind() {
    op.name = name.get();
    op.bounds = bounds;
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  LogInfo answer() { return std::move(op.log); }
};

struct TrimLogCall {
  using Answer = std::uint64_t;
  TrimLogCall(std::string_view n, const LogTrim& t) : name(n), trim(t) {}
  NameArgument name;
  LogTrim trim;
  TrimLog op;
  Operation& bind() {
    op.name = name.get();
    op.trim = trim;
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  std::uint64_t answer() const { return op.dropped; }
};

struct RemoveLogCall {
  using Answer = bool;
  explicit RemoveLogCall(std::string_view n) : name(n) {}
  NameArgument name;
  RemoveLog op;
  Operation& bind() {
    op.name = name.get();
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  bool answer() const { return op.removed; }
};

struct GetLogCall {
  using Answer = LogInfo;
  explicit GetLogCall(std::string_view n) : name(n) {}
  NameArgument name;
  GetLog op;
  Operation& bind() {
    op.name = name.get();
    return op;
  }
  void keep(CallNames&) { name.keep(); }
  LogInfo answer() { return std::move(op.log); }
};

struct ListLogsCall {
  using Answer = Page<LogInfo>;
  ListLogsCall(std::string_view p, const PageRequest& r) : prefix(p), page(r) {}
  NameArgument prefix;
  Argument<PageRequest> page;
  ListLogs op;
  Operation& bind() {
    op.prefix = prefix.get();
    op.page = &page.get();
    return op;
  }
  void keep(CallNames&) {
    prefix.keep();
    page.keep();
  }
  Page<LogInfo> answer() { return std::move(op.logs); }
};

}  // namespace controlplane
