#include "relay.hpp"

#include "convert.hpp"
#include "unlocked.hpp"

namespace controlplane::python {

bool Gate::enter() {
  constexpr std::size_t kMost = 1'024;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || inside_ < kMost; });
  if (closed_) return false;
  ++inside_;
  return true;
}

void Gate::leave() {
  std::lock_guard lock(mutex_);
  --inside_;
  changed_.notify_one();
}

void Gate::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

Relay::Relay(py::object inbox, py::object handler)
    : inbox_(std::move(inbox)), receiver_(inbox_.cast<Inbox&>().add(std::move(handler))) {}

void Relay::close() {
  if (!inbox_) return;
  if (!home_.is_here()) {  // its locks belong to threads that are not here
    new Subscription(std::move(subscription_));
    new std::shared_ptr<Gate>(gate_);
    inbox_ = py::object();
    return;
  }
  gate_->close();
  const auto inbox = std::exchange(inbox_, {});
  inbox.cast<Inbox&>().remove(receiver_);
  const Unlocked unlocked;
  subscription_.reset();
}

// The library has a queue of its own before the sink, which drops and counts what is too much.
LogSink log_relay(const Inbox& inbox, std::uint64_t receiver) {
  const auto convert = [](const LogRecord& record) {
    return py::make_tuple(static_cast<int>(record.level), to_python(record.message),
                          to_python(record.fields), to_python(record.correlation_id),
                          static_cast<double>(record.time) / 1e6);
  };
  return relayed<LogRecord>(inbox.queue(), receiver, std::make_shared<Gate>(), convert);
}

// One round at a time: the library never calls a probe twice at once.
class ProbeState {
 public:
  std::uint64_t begin() {
    std::lock_guard lock(mutex_);
    answer_.reset();
    return ++round_;
  }
  void answer(std::uint64_t round, bool good) {
    std::lock_guard lock(mutex_);
    if (round != round_ || answer_) return;
    answer_ = good;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return answer_ || closed_; });
    return answer_.value_or(false);
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t round_ = 0;  // guarded, as below
  std::optional<bool> answer_;
  bool closed_ = false;
};

namespace {

class ProbeCall final : public Delivery {
 public:
  ProbeCall(std::shared_ptr<ProbeState> state, std::uint64_t round)
      : state_(std::move(state)), round_(round) {}
  void deliver(py::handle receiver) override { receiver(ProbeAnswer(state_, round_)); }
  void discard() noexcept override { state_->answer(round_, false); }
  bool is_last() const override { return false; }

 private:
  const std::shared_ptr<ProbeState> state_;
  const std::uint64_t round_;
};

}  // namespace

ProbeAnswer::~ProbeAnswer() {
  if (state_) state_->answer(round_, false);  // nobody will say more
}

void ProbeAnswer::set(bool good) { state_->answer(round_, good); }

ProbeRelay::ProbeRelay(py::object inbox, py::object probe)
    : inbox_(std::move(inbox)),
      receiver_(inbox_.cast<Inbox&>().add(std::move(probe))),
      state_(std::make_shared<ProbeState>()) {}

std::function<bool()> ProbeRelay::callback() const {
  return [queue = inbox_.cast<Inbox&>().queue(), receiver = receiver_, state = state_] {
    const std::uint64_t round = state->begin();
    queue->push(receiver, std::make_shared<ProbeCall>(state, round));
    return state->wait();
  };
}

void ProbeRelay::close() {
  state_->close();
  if (inbox_) std::exchange(inbox_, {}).cast<Inbox&>().remove(receiver_);
}

}  // namespace controlplane::python
