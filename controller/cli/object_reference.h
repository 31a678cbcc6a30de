#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

/// `NAME`, `KIND/NAME`, `NAMESPACE/NAME` or `KIND/NAMESPACE/NAME`. Of two parts the first is a kind
/// if one of ours or of the core is called so. kInvalid says what was expected.
Result<ObjectReference> ParseReference(std::string_view text);

/// `TYPE/NAME` or `TYPE/NAMESPACE/NAME`, of a server that may have any types.
Result<ObjectReference> ParseTypedReference(std::string_view text);

/// A reference whose kind, if it was named (`dispatch`, `dp`, `dispatches.midwatch.dev`), is one of
/// these and now called as there. kInvalid lists them.
Result<ObjectReference> ParseReferenceTo(std::string_view text,
                                         const std::vector<std::string>& kinds);

}  // namespace midwatch::cli
