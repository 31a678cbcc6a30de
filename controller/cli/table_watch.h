#pragma once

#include <string>

#include "controller/cli/api_session.h"
#include "controller/cli/server_table.h"

namespace midwatch::cli {

struct TableWatch {
  std::string list;   ///< Path of the collection.
  std::string query;  ///< Selectors, each after a `&`.
  TableView view;
  bool with_headings = true;
};

/// Prints the table, then a row for each change, until a signal comes; of what no longer fits the
/// view's search and state, the row with which it leaves. Lists again when the server no longer has
/// the changes. The exit code: 128 + the signal's number.
int WatchTable(const TableWatch& what, Context& context, ApiSession& session);

}  // namespace midwatch::cli
