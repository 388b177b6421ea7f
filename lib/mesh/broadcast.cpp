// Mailbox::broadcast: who gets it is looked up page by page, then it is sent in batches.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/wording.hpp"
#include "controlplane/coordinator.hpp"
#include "controlplane/mailbox.hpp"
#include "coordinator/agent_calls.hpp"
#include "coordinator/prepared_work.hpp"
#include "mesh/message_office.hpp"

namespace controlplane {
namespace {

using SentList = std::vector<Sent>;

class Broadcast {
 public:
  Broadcast(CoordinatorCore& core, std::string from, std::string_view capability,
            std::string_view type, Json body, SendOptions options)
      : core_(core), from_(std::move(from)), type_(type), body_(std::move(body)),
        options_(std::move(options)) {
    filter_.capabilities = {std::string(capability)};
    page_.max_items = core.limits().max_page;
    if (body_.empty()) body_ = "null";
  }

  // As to one receiver; their names are names.
  Checks check() const {
    Checks checks = check_letter(core_, letter_to(from_), options_);
    checks.name("capability", filter_.capabilities.front());
    return checks;
  }

  // Views this.
  ListAgentsCall next_page() const { return ListAgentsCall(filter_, page_); }
  // False: that was the last one.
  Result<bool> take(Page<Agent> page) {
    for (Agent& agent : page.items) {
      if (agent.agent_id != from_) receivers_.push_back(std::move(agent.agent_id));
    }
    if (receivers_.size() > core_.limits().max_broadcast) {
      return Error::resource_exhausted(
          fmt::format("more than {} agents offer {}; the limit max_broadcast is {}",
                      grouped(core_.limits().max_broadcast), filter_.capabilities.front(),
                      grouped(core_.limits().max_broadcast)));
    }
    page_.cursor = std::move(page.next_cursor);
    return !page_.cursor.empty();
  }

  bool all_sent() const noexcept { return sent_.size() == receivers_.size(); }
  SubmitCall next_batch() {
    SubmitCall call;
    const std::size_t end = std::min(receivers_.size(), sent_.size() + core_.limits().max_batch);
    for (std::size_t i = sent_.size(); i < end; ++i) {
      TaskSpec spec;
      TaskDraft draft;
      prepare_letter(core_, letter_to(receivers_[i]), options_, spec, draft);
      made_.push_back(draft.id);
      call.add(std::move(spec), std::move(draft));
    }
    return call;
  }
  void take(std::vector<Result<TaskId>> answers) {
    for (Result<TaskId>& answer : answers) add(std::move(answer));
  }
  // The store is away: so it is for all that are left. Only this batch may have come to it.
  void give_up(Error error) {
    while (sent_.size() < made_.size()) add(error);
    error.outcome_unknown = false;
    while (!all_sent()) add(error);
  }
  SentList done() { return std::move(sent_); }

 private:
  Letter letter_to(std::string_view to) const { return {from_, to, type_, body_.text()}; }
  void add(Result<TaskId> answer) {
    const std::size_t at = sent_.size();
    count_sent(core_, at < made_.size() ? made_[at] : TaskId(), answer);
    sent_.push_back({receivers_[at], std::move(answer)});
  }

  CoordinatorCore& core_;
  const std::string from_, type_;
  Json body_;
  const SendOptions options_;
  AgentFilter filter_;
  PageRequest page_;
  std::vector<std::string> receivers_;
  std::vector<TaskId> made_;  // of those that were brought to the store, or may have been
  SentList sent_;
};

// One that does not block.
struct Broadcasting : std::enable_shared_from_this<Broadcasting> {
  Broadcasting(std::shared_ptr<CoordinatorCore> c, Broadcast b, Done<SentList> d)
      : core(std::move(c)), it(std::move(b)), done(std::move(d)) {}
  const std::shared_ptr<CoordinatorCore> core;
  Broadcast it;
  Done<SentList> done;

  void finish(Result<SentList> answer) { core->calls().deliver(std::move(done), std::move(answer)); }

  void look_up() {
    core->calls().perform(it.next_page(), [self = shared_from_this()](Result<Page<Agent>> page) {
      if (!page) return self->finish(std::move(page.error()));
      const Result<bool> more = self->it.take(*std::move(page));
      if (!more) return self->finish(more.error());
      *more ? self->look_up() : self->send();
    });
  }
  void send() {
    if (it.all_sent()) return finish(it.done());
    core->calls().perform(it.next_batch(),
                          [self = shared_from_this()](Result<SubmitCall::Answer> answers) {
                            answers ? self->it.take(*std::move(answers))
                                    : self->it.give_up(answers.error());
                            self->send();
                          });
  }
};

}  // namespace

Result<SentList> Mailbox::broadcast(std::string_view capability, std::string_view type, Json body,
                                    const SendOptions& options) {
  if (auto refused = core_->refuse_block(Entry::new_work)) return std::move(*refused);
  Broadcast it(*core_, agent_id_, capability, type, std::move(body), options);
  Checks checks = it.check();
  if (!checks.ok()) return checks.take();
  for (;;) {
    auto page = core_->calls().block(it.next_page());
    if (!page) return std::move(page.error());
    const Result<bool> more = it.take(*std::move(page));
    if (!more) return more.error();
    if (!*more) break;
  }
  while (!it.all_sent()) {
    auto answers = core_->calls().block(it.next_batch());
    answers ? it.take(*std::move(answers)) : it.give_up(answers.error());
  }
  return it.done();
}

void Mailbox::broadcast(std::string_view capability, std::string_view type, Json body,
                        const SendOptions& options, Done<SentList> done) {
  Broadcast it(*core_, agent_id_, capability, type, std::move(body), options);
  auto refused = core_->refuse(Entry::new_work);
  if (Checks checks = it.check(); !refused && !checks.ok()) refused = checks.take();
  if (refused) return core_->calls().deliver(std::move(done), Result<SentList>(std::move(*refused)));
  std::make_shared<Broadcasting>(core_, std::move(it), std::move(done))->look_up();
}

}  // namespace controlplane
