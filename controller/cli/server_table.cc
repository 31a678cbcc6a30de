#include "controller/cli/server_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/base/text.h"
#include "controller/cli/git_source_text.h"
#include "controller/cli/state_word.h"

namespace midwatch::cli {
namespace {

constexpr std::array<std::string_view, 6> kStateColumns = {"phase", "state",     "status",
                                                           "ready", "connected", "active"};

bool IsStateColumn(std::string_view name) {
  return std::find(kStateColumns.begin(), kStateColumns.end(), ToLower(name)) !=
         kStateColumns.end();
}

constexpr std::string_view kNone = "<none>";

std::string ShowCell(const Json& cell) {
  if (cell.IsNull() || (cell.IsString() && cell.AsString().empty())) {
    return std::string(kNone);
  }
  return cell.IsString() ? cell.AsString() : cell.Dump();
}

/// What a Run is whose instance was lost: it has ended for every reader, though nobody is left to
/// say so in its status.
constexpr std::string_view kLost = "Lost";
/// What one is that was stopped before an agent took it: it never begins.
constexpr std::string_view kWithdrawn = "Cancelled";

void ShowEndedRun(const std::vector<TableColumn>& columns, TableRow& row) {
  const auto cell = [&](std::string_view name) -> std::string* {
    for (std::size_t i = 0; i < std::min(columns.size(), row.cells.size()); ++i) {
      if (columns[i].name == name) {
        return &row.cells[i];
      }
    }
    return nullptr;
  };
  const std::string* stop = cell("Stop");
  std::string* phase = cell("Phase");
  if (stop == nullptr || phase == nullptr || *stop == kNone) {
    return;
  }
  if (*stop == "InstanceLost") {
    *phase = kLost;
  } else if (*phase == "Pending") {
    *phase = kWithdrawn;
  }
}

/// A commit id is as long in a table as in messages, unless it is asked for in full.
std::string ShortIfCommit(const TableColumn& column, const std::string& cell) {
  if (column.name != "Applied" && column.name != "Attempted") {
    return cell;  // A name may look like one.
  }
  constexpr std::size_t kSha1 = 40;
  constexpr std::size_t kSha256 = 64;
  const bool is_commit = (cell.size() == kSha1 || cell.size() == kSha256) &&
                         cell.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_commit ? ShortRevision(cell) : cell;
}

/// The API calls it phase; people see the words of ResultWord, and with `-o wide` the phase too.
bool IsPhase(const TableColumn& column) { return ToLower(column.name) == "phase"; }

Colour ColourOfCell(const TableColumn& column, const std::string& cell) {
  if (!column.state) {
    return Colour::kNone;
  }
  if (cell == "True" || cell == "true") {
    return Colour::kGreen;
  }
  if (cell == "False" || cell == "false") {
    return Colour::kYellow;
  }
  return ColourOfState(cell);
}

}  // namespace

Result<ServerTable> ServerTable::Parse(const Json& document) {
  if (document.At("kind").AsString() != "Table") {
    return Fail(ErrorCode::kInvalid, "the server answered no Table");
  }
  ServerTable table;
  table.resource_version = document.At("metadata", "resourceVersion").AsString();
  table.continue_token = document.At("metadata", "continue").AsString();
  for (const Json& column : document.At("columnDefinitions").Items()) {
    const std::string& name = column.At("name").AsString();
    table.columns.push_back(
        {.name = name, .wide = column.At("priority").AsInt() > 0, .state = IsStateColumn(name)});
  }
  for (const Json& row : document.At("rows").Items()) {
    TableRow& added = table.rows.emplace_back();
    added.namespace_name = row.At("object", "metadata", "namespace").AsString();
    added.name = row.At("object", "metadata", "name").AsString();
    for (const Json& cell : row.At("cells").Items()) {
      added.cells.push_back(ShowCell(cell));
    }
    ShowEndedRun(table.columns, added);
  }
  return table;
}

bool Passes(const TableRow& row, const std::vector<TableColumn>& columns, const TableView& view) {
  const std::string wanted_text = ToLower(view.search);
  const bool text_fits =
      wanted_text.empty() || ToLower(row.namespace_name).find(wanted_text) != std::string::npos ||
      std::any_of(row.cells.begin(), row.cells.end(), [&](const std::string& cell) {
        return ToLower(cell).find(wanted_text) != std::string::npos;
      });
  bool state_fits = view.state.empty();
  for (std::size_t i = 0; i < std::min(columns.size(), row.cells.size()) && !state_fits; ++i) {
    state_fits = columns[i].state && FitsState(columns[i].name, row.cells[i], view.state);
  }
  return text_fits && state_fits;
}

TextTable MakeTextTable(const std::vector<TableColumn>& columns, const TableView& view) {
  std::vector<std::string> headings;
  if (view.with_namespace) {
    headings.emplace_back("NAMESPACE");
  }
  for (const TableColumn& column : columns) {
    if (view.wide || !column.wide) {
      headings.push_back(IsPhase(column) ? "STATE" : Heading(column.name));
    }
    if (view.wide && IsPhase(column)) {
      headings.push_back(Heading(column.name));
    }
  }
  return TextTable(std::move(headings));
}

std::size_t AddRows(const std::vector<TableRow>& rows, const std::vector<TableColumn>& columns,
                    const TableView& view, TextTable& table) {
  std::size_t added = 0;
  for (const TableRow& row : rows) {
    if (!Passes(row, columns, view)) {
      continue;
    }
    std::vector<Cell> cells;
    if (view.with_namespace) {
      cells.push_back({row.namespace_name.empty() ? "<none>" : row.namespace_name});
    }
    for (std::size_t i = 0; i < std::min(columns.size(), row.cells.size()); ++i) {
      const std::string& cell = row.cells[i];
      if (view.wide || !columns[i].wide) {
        const std::string plain = view.wide ? cell : ShortIfCommit(columns[i], cell);
        const std::string said(columns[i].state ? ResultWord(plain) : plain);
        cells.push_back(
            {(i == 0 ? view.name_prefix : std::string()) + said, ColourOfCell(columns[i], said)});
      }
      if (view.wide && IsPhase(columns[i])) {
        cells.push_back({cell, ColourOfCell(columns[i], cell)});
      }
    }
    table.AddRow(std::move(cells));
    ++added;
  }
  return added;
}

}  // namespace midwatch::cli
