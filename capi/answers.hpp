// Batches: the answers are what the operation said of the items that it was given, and in between
// what was refused before it.
// Thread safety: as the coordinator's.
// Errors: statuses.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "capi/plane.hpp"
#include "capi/specs.hpp"
#include "capi/views.hpp"

namespace controlplane::capi {

using Refused = std::vector<std::pair<std::size_t, Error>>;

template <class T>
std::unique_ptr<AnswersView> answers_of(const std::vector<Result<T>>& given,
                                        const Refused& refused) {
  auto answers = std::make_unique<AnswersView>();
  answers->list.reserve(given.size() + refused.size());
  auto next_refused = refused.begin();
  auto next_given = given.begin();
  for (std::size_t at = 0; at < given.size() + refused.size(); ++at) {
    if (next_refused != refused.end() && next_refused->first == at) {
      answers->add(std::make_unique<AnswerView>(Result<T>(next_refused++->second)));
    } else {
      answers->add(std::make_unique<AnswerView>(*next_given++));
    }
  }
  return answers;
}

// `read(limits)` makes the batch, `operation(plane, items)` and `operation(plane, items, done)`
// take it.
template <class Read, class Operation>
std::int32_t call_batch(cp_answers** out, cp_coordinator* handle, Read&& read,
                        Operation&& operation) noexcept {
  Refused refused;
  return call_for(
      out, handle,
      [&](Plane& plane) {
        auto batch = read(plane.limits());
        refused = std::move(batch.refused);
        return operation(plane, std::move(batch.items));
      },
      [&](auto&& answers) { return answers_of(answers, refused).release(); });
}

template <class Read, class Operation>
std::int32_t start_batch(cp_coordinator* handle, cp_queue* queue, void* user_data,
                         std::int32_t which, Read&& read, Operation&& operation) noexcept {
  return guard([&]() -> std::int32_t {
    // Read before the call begins, because what was refused goes into the completion.
    auto batch = read(Held<Plane>(handle)->limits());
    return start(
        handle, queue, user_data, which,
        [&](Plane& plane, auto... done) {
          return operation(plane, std::move(batch.items), std::move(done)...);
        },
        [refused = std::move(batch.refused)](CompletionBox& box, auto&& answers) {
          box.answers = box.keep(answers_of(answers, refused));
        });
  });
}

}  // namespace controlplane::capi
