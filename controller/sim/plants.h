#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/runtime/reconciler.h"

namespace midwatch::sim {

/// A bug that can be planted to see whether the checkers notice. Never in production: it is made
/// around the real parts, not in them.
struct Plant {
  std::string_view name;
  std::string_view what;
  std::string_view caught_by;  ///< Checker that is expected to see it.
};
std::span<const Plant> Plants();
bool IsPlant(std::string_view name);

/// Wraps controllers so that they have the bug of that name; unchanged if it is none of theirs. The
/// wrappers are added to `owned` and live as long as the controllers.
std::vector<Controller> PlantInto(std::vector<Controller> controllers, std::string_view plant,
                                  std::vector<std::unique_ptr<Reconciler>>& owned);

}  // namespace midwatch::sim
