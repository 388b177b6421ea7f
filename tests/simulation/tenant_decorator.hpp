// A tenant's store as another one sees it; forwards everything that a decorator leaves alone.
// Thread safety: none; simulations have one thread.
#pragma once

#include <memory>
#include <utility>

#include "store/store.hpp"

namespace controlplane::simulation {

class TenantDecorator : public TenantStore {
 public:
  explicit TenantDecorator(std::shared_ptr<TenantStore> inner) : inner_(std::move(inner)) {}

  bool apply(Operation& op) override { return inner_->apply(op); }
  void start(Operation& op, OperationDone& done) override {
    if (apply(op)) return done.done(op);
    inner_->start(op, done);
  }
  void add_listener(StoreListener& listener) override { inner_->add_listener(listener); }
  void remove_listener(StoreListener& listener) override { inner_->remove_listener(listener); }
  void listen_to_events(int change) override { inner_->listen_to_events(change); }
  Timestamp now() const override { return inner_->now(); }
  const NamespaceOptions& options() const override { return inner_->options(); }
  bool writes_at_once() const override { return inner_->writes_at_once(); }

 protected:
  TenantStore& inner() const { return *inner_; }

 private:
  const std::shared_ptr<TenantStore> inner_;
};

}  // namespace controlplane::simulation
