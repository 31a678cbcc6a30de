#pragma once

#include <memory>
#include <string>
#include <utility>

#include "controller/env/clock.h"
#include "controller/runtime/pump.h"

namespace midwatch::cmd {

/// An actor of type T with the signal that wakes it and, once Run, the thread that drives it.
/// Destroying it stops the thread first.
template <typename T>
class Driven {
 public:
  explicit Driven(std::string name) : name_(std::move(name)) {}

  Signal& signal() { return signal_; }
  template <typename... Arguments>
  T& Make(Arguments&&... arguments) {
    actor_ = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    return *actor_;
  }
  void Run(const Clock& clock) { pump_ = std::make_unique<Pump>(name_, *actor_, signal_, clock); }
  /// Stops the thread; the actor stays.
  void Stop() { pump_.reset(); }
  T& operator*() { return *actor_; }
  T* operator->() { return actor_.get(); }

 private:
  std::string name_;
  Signal signal_;
  std::unique_ptr<T> actor_;
  std::unique_ptr<Pump> pump_;  // Last: it uses the others.
};

}  // namespace midwatch::cmd
