// The calls of exports and imports; coordinator/store_calls.hpp says what a call is.
// Thread safety: none; one call belongs to one caller.
// Errors: in the operation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/namespace.hpp"
#include "engine/operations.hpp"

namespace controlplane {

struct BeginExportCall {
  using Answer = std::string;
  explicit BeginExportCall(std::string_view o) : id(o) {}
  std::string id;
  BeginExport op;
  Operation& bind() {
    op.operation_id = id;
    return op;
  }
  std::string answer() { return std::move(op.rows); }
};

struct ReadExportCall {
  using Answer = ReadExport;
  ReadExportCall(std::string_view o, std::uint64_t number) : id(o) { op.number = number; }
  std::string id;
  ReadExport op;
  Operation& bind() {
    op.operation_id = id;
    return op;
  }
  ReadExport answer() { return std::move(op); }
};

struct EndExportCall {
  using Answer = void;
  explicit EndExportCall(std::string_view o) : id(o) {}
  std::string id;
  EndExport op;
  Operation& bind() {
    op.operation_id = id;
    return op;
  }
};

struct AdoptCall {
  using Answer = AdoptTables;
  AdoptCall(std::string_view o, std::unique_ptr<Namespace> t) : id(o), tables(std::move(t)) {}
  std::string id;
  std::unique_ptr<Namespace> tables;
  AdoptTables op;
  Operation& bind() {
    op.operation_id = id;
    op.tables = tables.get();
    return op;
  }
  AdoptTables answer() { return op; }
};

}  // namespace controlplane
