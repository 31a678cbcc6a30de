#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cli/text_table.h"
#include "controller/object/json.h"

namespace midwatch::cli {

inline constexpr std::string_view kTableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

struct TableColumn {
  std::string name;
  bool wide = false;   ///< Only with `-o wide`.
  bool state = false;  ///< Says how the object stands: Phase, State, Ready, …
};

struct TableRow {
  std::vector<std::string> cells;  ///< As people read them; `<none>` where there is nothing.
  std::string namespace_name;
  std::string name;
};

/// A meta.k8s.io/v1 Table of the server.
struct ServerTable {
  std::vector<TableColumn> columns;  ///< Empty in later events of a watch.
  std::vector<TableRow> rows;
  std::string resource_version;
  std::string continue_token;

  /// kInvalid if it is no Table.
  static Result<ServerTable> Parse(const Json& document);
};

/// Which rows are shown, and how.
struct TableView {
  bool wide = false;
  bool with_namespace = false;
  std::string name_prefix = {};  ///< Before every name: `module.midwatch.dev/`.
  std::string search = {};
  std::string state = {};
};

/// Whether the row passes search and state.
bool Passes(const TableRow& row, const std::vector<TableColumn>& columns, const TableView& view);

/// The columns that are shown, as the headings of a TextTable.
TextTable MakeTextTable(const std::vector<TableColumn>& columns, const TableView& view);
/// Adds the rows that pass. How many did.
std::size_t AddRows(const std::vector<TableRow>& rows, const std::vector<TableColumn>& columns,
                    const TableView& view, TextTable& table);

}  // namespace midwatch::cli
