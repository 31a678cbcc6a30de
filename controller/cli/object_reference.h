#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/cli/options.h"

namespace midwatch::cli {

/// `TYPE/NAME` or `TYPE/NAMESPACE/NAME`, of a server that may have any types.
Result<ObjectReference> ParseTypedReference(std::string_view text);

/// `NAME`, `KIND/NAME`, `NAMESPACE/NAME` or `KIND/NAMESPACE/NAME`. Of two parts the first is a kind
/// if it names one of these (`dispatch`, `dp`, `dispatches.midwatch.dev`), and then called as here;
/// any other word may be a namespace (`agents`). kInvalid says what was expected.
Result<ObjectReference> ParseReferenceTo(std::string_view text,
                                         const std::vector<std::string>& kinds);

/// Whether a kind of ours or of the core is called so.
bool IsKindWord(std::string_view word);

}  // namespace midwatch::cli
