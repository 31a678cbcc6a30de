#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace midwatch {

/// A value whose copies share one place until one of them is written. Copying costs a counter, not
/// the value. Const access from several threads is safe, and so is writing one of several copies; a
/// reference that Write gave is not to be used any more once its owner has been copied.
template <typename T>
class CopyOnWrite {
 public:
  CopyOnWrite() = default;
  explicit CopyOnWrite(T value) : node_(new Node{{1}, std::move(value)}) {}
  CopyOnWrite(const CopyOnWrite& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) {
      node_->owners.fetch_add(1, std::memory_order_relaxed);
    }
  }
  CopyOnWrite(CopyOnWrite&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  CopyOnWrite& operator=(const CopyOnWrite& other) noexcept {
    CopyOnWrite(other).Swap(*this);
    return *this;
  }
  CopyOnWrite& operator=(CopyOnWrite&& other) noexcept {
    CopyOnWrite(std::move(other)).Swap(*this);
    return *this;
  }
  ~CopyOnWrite() { Release(); }

  const T& Read() const {
    static const T kNone{};
    return node_ == nullptr ? kNone : node_->value;
  }
  T& Write() {
    if (node_ == nullptr) {
      node_ = new Node{{1}, T{}};
    } else if (node_->owners.load(std::memory_order_acquire) != 1) {
      CopyOnWrite(node_->value).Swap(*this);
    }
    return node_->value;
  }
  /// True if both are known to be equal without looking at the values.
  bool SamePlace(const CopyOnWrite& other) const { return node_ == other.node_; }

  friend bool operator==(const CopyOnWrite& a, const CopyOnWrite& b) {
    return a.SamePlace(b) || a.Read() == b.Read();
  }

 private:
  struct Node {
    std::atomic<std::uint32_t> owners;
    T value;
  };

  void Swap(CopyOnWrite& other) noexcept { std::swap(node_, other.node_); }
  void Release() noexcept {
    // Who is the only owner stays so: nobody else has it to copy it from.
    if (node_ != nullptr && (node_->owners.load(std::memory_order_acquire) == 1 ||
                             node_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)) {
      delete node_;
    }
  }

  Node* node_ = nullptr;
};

}  // namespace midwatch
