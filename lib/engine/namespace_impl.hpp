// The tables of one tenant and the operations that reach over more than one of them.
// Thread safety: none.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/agent_table.hpp"
#include "engine/document_table.hpp"
#include "engine/log_table.hpp"
#include "engine/named_logs.hpp"
#include "engine/namespace.hpp"
#include "engine/namespace_export.hpp"
#include "engine/permit_table.hpp"
#include "engine/task_table.hpp"

namespace controlplane {

struct Namespace::Impl {
  Impl(std::string name, const NamespaceOptions& given);

  void dispatch(Operation& op, Step& step);
  void submit(SubmitTasks& op, Step& step);
  void claim(ClaimTasks& op, Step& step);
  std::optional<Error> refuse_claim(const ClaimTasks& op, AgentSlot agent) const;
  bool claim_anew(ClaimTasks& op, Slot party, Step& step);
  bool take(ClaimTasks& op, Slot party, const std::vector<std::string>& capabilities,
            std::uint32_t allowed, Step& step);
  bool answer_again(ClaimTasks& op, Slot party, Step& step);
  void end(EndAttempts& op, Step& step);
  void hold(HoldAttempts& op, Step& step);
  void reassign(ReassignTasks& op, Step& step);
  void replay(ReplayTask& op, Step& step);
  void get_task(GetTask& op, Step& step);
  void list_tasks(ListTasks& op);
  void add_agent(AddAgent& op, Step& step);
  void remove_agent(RemoveAgent& op, Step& step);
  void heartbeat(Heartbeat& op, Step& step);
  void get_agent(GetAgent& op);
  void select_agent(SelectAgent& op, Step& step);
  void probe(RecordProbe& op, Step& step);
  void list_documents(ListDocuments& op, Step& step);
  bool refuse_page(Operation& op, const PageRequest& page) const;
  void apply_to_permits(Operation& op, Step& step);
  void apply_to_logs(Operation& op, Step& step);
  void health(ReadHealth& op);
  void stats(ReadStats& op, Step& step);
  void read_events(ReadEvents& op) const;
  void advance(Advance& op, Step& step);

  // namespace_export.cpp
  void begin_export(BeginExport& op, Step& step);
  void read_export(ReadExport& op, Step& step);
  void end_export(const EndExport& op) noexcept;
  void stop_exporting() noexcept;
  bool give_up_export(Timestamp now) noexcept;  // true: nobody read it for too long
  bool read_stage(std::size_t bytes, int& visits);
  bool read_events_of_export(std::size_t bytes);
  bool is_new() const noexcept;   // nothing was ever put into it
  void tell_who_waits();          // after an adoption

  Timestamp next_due() const noexcept;
  bool advance_agent(Step& step);
  void forget_registration(AgentSlot agent);

  const std::string tenant;
  const NamespaceOptions options;
  LogTable log;  // the history of events
  Effects effects;
  AgentTable agents;
  PermitTable permits;
  TaskTable tasks;
  DocumentTable documents;
  NamedLogs logs;
  Timestamp high_water = 0;
  int watchers = 0;
  std::unique_ptr<NamespaceExport> exporting;
  std::string adopted_by;         // the operation that put these tables here
  std::vector<std::pair<QueueSlot, std::uint32_t>> ready_at_adoption;  // tasks, by queue
};

}  // namespace controlplane
