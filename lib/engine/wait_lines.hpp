// Who waits for one pool, and who is next: the highest priority; among those, if owners have
// weights, the owner that has taken the least for its weight; among those, first come.
// Weighted sharing is start-time fair queueing: an owner that comes back after a pause begins where
// the others are, it has saved nothing up.
// Source: P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996.
// Thread safety: none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/task.hpp"
#include "engine/slab.hpp"

namespace controlplane {

class WaitLines {
 public:
  using Weights = std::vector<std::pair<std::string, std::uint32_t>>;

  // Lines that stay keep what their owners took; nobody may be waiting.
  void set_weights(const Weights& weights) {
    std::vector<Line> lines(1);
    lines[0].taken = lines_[0].taken;
    for (const auto& [owner, weight] : weights) {
      Line line;
      line.owner = owner;
      line.weight = weight;
      line.taken = lines_[line_of(owner)].taken;
      lines.push_back(std::move(line));
    }
    lines_ = std::move(lines);
  }

  void add(std::string_view owner, TaskPriority priority, std::uint64_t number, Slot waiter) {
    Line& line = lines_[line_of(owner)];
    if (line.size == 0) line.taken = std::max(line.taken, virtual_time_);
    line.waiting[level(priority)].emplace(number, waiter);
    ++line.size;
    ++size_;
    ++levels_[level(priority)];
  }
  void remove(std::string_view owner, TaskPriority priority, std::uint64_t number, Slot waiter) {
    Line& line = lines_[line_of(owner)];
    line.waiting[level(priority)].erase({number, waiter});
    --line.size;
    --size_;
    --levels_[level(priority)];
  }
  // kNoSlot: nobody waits.
  Slot first() const {
    for (std::size_t l = 0; l < kTaskPriorities; ++l) {
      if (levels_[l] > 0) return first_of(l);
    }
    return kNoSlot;
  }
  // Whether somebody that waits would be served before one of this owner that arrived as `number`:
  // the order of first(), as if that one stood here, too.
  bool before(std::string_view owner, TaskPriority priority, std::uint64_t number) const {
    const std::size_t own = level(priority);
    for (std::size_t l = 0; l < own; ++l) {
      if (levels_[l] > 0) return true;
    }
    if (levels_[own] == 0) return false;
    const Line& mine = lines_[line_of(owner)];
    const double taken = mine.size == 0 ? std::max(mine.taken, virtual_time_) : mine.taken;
    return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
      if (line.waiting[own].empty()) return false;
      if (&line != &mine && line.taken != taken) return line.taken < taken;
      return line.waiting[own].begin()->first < number;
    });
  }
  void took(std::string_view owner, std::uint64_t amount) {
    if (lines_.size() == 1) return;  // no weights: first come
    Line& line = lines_[line_of(owner)];
    if (line.size == 0) line.taken = std::max(line.taken, virtual_time_);
    virtual_time_ = std::max(virtual_time_, line.taken);
    line.taken += static_cast<double>(amount) / line.weight;
  }
  std::size_t size() const noexcept { return size_; }
  double virtual_time() const noexcept { return virtual_time_; }
  // What the owners took: those without a weight, then those of set_weights() in their order.
  void describe(std::vector<double>& taken) const {
    for (const Line& line : lines_) taken.push_back(line.taken);
  }
  void restore(const std::vector<double>& taken, double virtual_time) {
    for (std::size_t i = 0; i < lines_.size(); ++i) lines_[i].taken = taken[i];
    virtual_time_ = virtual_time;
  }
  // Everybody, in no order.
  template <class Visit>
  void each(Visit&& visit) const {
    for (const Line& line : lines_) {
      for (const auto& waiting : line.waiting) {
        for (const auto& [number, waiter] : waiting) visit(waiter);
      }
    }
  }

 private:
  using Waiting = std::set<std::pair<std::uint64_t, Slot>>;  // by number of arrival
  struct Line {
    std::string owner;
    std::uint32_t weight = 1;
    double taken = 0;  // ÷ weight
    std::size_t size = 0;
    std::array<Waiting, kTaskPriorities> waiting;
  };
  static std::size_t level(TaskPriority priority) noexcept {
    return static_cast<std::size_t>(priority);
  }
  std::size_t line_of(std::string_view owner) const {
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      if (lines_[i].owner == owner) return i;
    }
    return 0;
  }
  Slot first_of(std::size_t level) const {
    const Line* best = nullptr;
    for (const Line& line : lines_) {
      if (line.waiting[level].empty()) continue;
      if (best == nullptr || is_before(line, *best, level)) best = &line;
    }
    return best->waiting[level].begin()->second;
  }
  static bool is_before(const Line& a, const Line& b, std::size_t level) {
    if (a.taken != b.taken) return a.taken < b.taken;
    return a.waiting[level].begin()->first < b.waiting[level].begin()->first;
  }

  std::vector<Line> lines_{Line{}};  // the first: owners that have no weight
  std::array<std::size_t, kTaskPriorities> levels_{};
  std::size_t size_ = 0;
  double virtual_time_ = 0;  // where the owner that was served last began
};

}  // namespace controlplane
