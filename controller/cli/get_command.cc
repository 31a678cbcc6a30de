#include <algorithm>
#include <iterator>
#include <utility>

#include "controller/api/core.h"
#include "controller/base/encoding.h"
#include "controller/base/text.h"
#include "controller/cli/commands.h"
#include "controller/cli/missing_object.h"
#include "controller/cli/object_output.h"
#include "controller/cli/resource_catalogue.h"
#include "controller/cli/server_table.h"
#include "controller/cli/table_watch.h"

namespace midwatch::cli {
namespace {

constexpr int kPageSize = 500;

std::string Query(const GetOptions& options) {
  std::string query;
  if (!options.label_selector.empty()) {
    query += "&labelSelector=" + PercentEncode(options.label_selector);
  }
  if (!options.field_selector.empty()) {
    query += "&fieldSelector=" + PercentEncode(options.field_selector);
  }
  return query;
}

/// One `midwatch get`.
class Getter {
 public:
  Getter(const GetOptions& options, Context& context, ApiSession& session)
      : options_(options), context_(context), session_(session) {}

  int Run() {
    auto catalogue = ResourceCatalogue::Load(session_);
    if (!catalogue) {
      return context_.Refuse(catalogue.error());
    }
    auto selected = SelectObjects(*catalogue, options_.what, session_);
    if (!selected) {
      return context_.Refuse(kExitFailed, selected.error().message, kHintForTypes);
    }
    const bool named = std::any_of(selected->begin(), selected->end(), [](const Selected& one) {
      return one.entry->type.namespaced && !one.names.empty();
    });
    if (options_.all_namespaces && named) {
      return context_.Refuse(kExitUsage, "a name is of one namespace",
                             "leave out -A, or look for it with --search");
    }
    if (options_.watch) {
      return Watch(*selected);
    }
    const bool as_table =
        options_.output == OutputFormat::kText || options_.output == OutputFormat::kWide;
    return as_table ? PrintTables(*selected) : PrintObjects(*selected);
  }

 private:
  std::string NamespaceFor(const Selected& selected) const {
    return options_.all_namespaces ? std::string() : selected.namespace_name;
  }

  TableView ViewOf(const CatalogueEntry& entry, bool several) const {
    return {.wide = options_.output == OutputFormat::kWide,
            .with_namespace = options_.all_namespaces && entry.type.namespaced,
            .name_prefix = several ? entry.KindName() + "/" : std::string(),
            .search = options_.search,
            .state = options_.state};
  }

  Result<ServerTable> FetchTable(const Selected& selected, const std::string& name) {
    const std::string path = PathOf(selected.entry->type, NamespaceFor(selected), name);
    if (!name.empty()) {
      MIDWATCH_ASSIGN(const Json document, session_.Fetch(path, std::string(kTableAccept)));
      return ServerTable::Parse(document);
    }
    ServerTable all;
    std::string token;
    do {
      std::string target = path + "?limit=" + std::to_string(kPageSize) + Query(options_);
      target += token.empty() ? "" : "&continue=" + PercentEncode(token);
      MIDWATCH_ASSIGN(const Json document, session_.Fetch(target, std::string(kTableAccept)));
      MIDWATCH_ASSIGN(ServerTable page, ServerTable::Parse(document));
      token = page.continue_token;
      std::move(page.rows.begin(), page.rows.end(), std::back_inserter(all.rows));
      all.columns = page.columns.empty() ? all.columns : page.columns;
      all.resource_version = page.resource_version;
    } while (!token.empty());
    return all;
  }

  /// The tables of all names, as one.
  Result<ServerTable> FetchTable(const Selected& selected) {
    if (selected.names.empty()) {
      return FetchTable(selected, {});
    }
    ServerTable all;
    for (const std::string& name : selected.names) {
      auto one = FetchTable(selected, name);
      if (!one) {
        failed_ = RefuseObject(one.error(), selected.entry->type, name, context_, session_);
        continue;
      }
      all.columns = one->columns;
      all.resource_version = one->resource_version;
      std::move(one->rows.begin(), one->rows.end(), std::back_inserter(all.rows));
    }
    return all;
  }

  int PrintTables(const std::vector<Selected>& selected) {
    std::size_t shown = 0;
    for (const Selected& one : selected) {
      auto table = FetchTable(one);
      if (!table) {
        failed_ = context_.Refuse(table.error());
        continue;
      }
      const TableView view = ViewOf(*one.entry, selected.size() > 1);
      TextTable text = MakeTextTable(table->columns, view);
      if (AddRows(table->rows, table->columns, view, text) > 0) {
        context_.Print((shown++ > 0 ? "\n" : "") + text.Render(context_.out, !options_.no_headers));
      }
    }
    if (shown == 0 && failed_ == kExitDone) {
      context_.Note(NothingFound(selected));
    }
    return failed_;
  }

  std::string NothingFound(const std::vector<Selected>& selected) {
    const bool narrowed = !options_.search.empty() || !options_.state.empty() ||
                          !options_.label_selector.empty() || !options_.field_selector.empty();
    std::string text = narrowed ? "Nothing fits" : "Nothing found";
    const bool namespaced = std::any_of(selected.begin(), selected.end(),
                                        [](const auto& s) { return s.entry->type.namespaced; });
    if (namespaced && !options_.all_namespaces) {
      const std::string& space = session_.namespace_name();
      if (!session_.namespace_option().empty()) {
        const auto there = session_.Get(api::Namespace::Type(), {}, space);
        if (!there && there.error().code == ErrorCode::kNotFound) {
          return "There is no namespace " + space + "; midwatch get namespaces lists them.";
        }
      }
      text += " in namespace " + space;
    }
    return text + (namespaced && !options_.all_namespaces ? "; -A looks in all." : ".");
  }

  Result<std::vector<Json>> FetchObjects(const Selected& selected) {
    std::vector<Json> out;
    const ResourceType& type = selected.entry->type;
    for (const std::string& name : selected.names) {
      const auto object = session_.Get(type, NamespaceFor(selected), name);
      if (object) {
        out.push_back(object->Body());
      } else {
        failed_ = RefuseObject(object.error(), type, name, context_, session_);
      }
    }
    if (selected.names.empty()) {
      MIDWATCH_ASSIGN(const std::vector<Object> objects,
                      session_.List({.type = type,
                                     .namespace_name = NamespaceFor(selected),
                                     .label_selector = options_.label_selector,
                                     .field_selector = options_.field_selector,
                                     .continue_token = {},
                                     .resource_version = {}}));
      for (const Object& object : objects) {
        out.push_back(object.Body());
      }
    }
    return out;
  }

  /// Objects have no columns: search looks at everything they say, state at what the columns show.
  bool Fits(const Json& object) const {
    const Json& status = object.At("status");
    TableRow row;
    std::vector<TableColumn> columns;
    const auto add = [&](const char* column, const Json& value) {
      if (!value.IsNull()) {
        row.cells.push_back(value.IsString() ? value.AsString() : value.Dump());
        columns.push_back({.name = column, .state = true});
      }
    };
    add("Phase", status.At("phase"));
    add("State", status.At("state"));
    add("Active", status.At("active"));
    add("Connected", status.At("connected"));
    for (const Json& condition : status.At("conditions").Items()) {
      const std::string& type = condition.At("type").AsString();
      if (type == "Ready" || type == "Connected") {
        add(type.c_str(), condition.At("status"));
      }
    }
    return Passes(row, columns, {.state = options_.state}) &&
           (options_.search.empty() ||
            ToLower(object.Dump()).find(ToLower(options_.search)) != std::string::npos);
  }

  int PrintObjects(const std::vector<Selected>& selected) {
    std::vector<Json> objects;
    for (const Selected& one : selected) {
      auto found = FetchObjects(one);
      if (!found) {
        failed_ = context_.Refuse(found.error());
        continue;
      }
      for (Json& object : *found) {
        if (!Fits(object)) {
          continue;
        }
        if (options_.output == OutputFormat::kName) {
          context_.Print(one.entry->KindName() + "/" + object.At("metadata", "name").AsString() +
                         "\n");
        }
        objects.push_back(std::move(object));
      }
    }
    if (options_.output == OutputFormat::kName) {
      return failed_;
    }
    const bool single = selected.size() == 1 && selected.front().names.size() == 1;
    if (!single || !objects.empty()) {
      context_.Print(FormatObjects(std::move(objects), single, options_.output));
    }
    return failed_;
  }

  int Watch(const std::vector<Selected>& selected) {
    if (selected.size() != 1 || selected.front().names.size() > 1) {
      return context_.Refuse(kExitUsage, "--watch takes one type, and one name at most",
                             "watch several types in several terminals");
    }
    const bool as_table =
        options_.output == OutputFormat::kText || options_.output == OutputFormat::kWide;
    if (!as_table) {
      return context_.Refuse(kExitUsage, "--watch shows tables alone", "leave out --output");
    }
    const Selected& one = selected.front();
    const std::string name = one.names.empty() ? std::string() : one.names.front();
    std::string query = Query(options_);
    if (!name.empty()) {
      if (const auto there = session_.Get(one.entry->type, NamespaceFor(one), name); !there) {
        return RefuseObject(there.error(), one.entry->type, name, context_, session_);
      }
      query += "&fieldSelector=" + PercentEncode("metadata.name=" + name);
    }
    return WatchTable({.list = PathOf(one.entry->type, NamespaceFor(one)),
                       .query = query,
                       .view = ViewOf(*one.entry, false),
                       .with_headings = !options_.no_headers},
                      context_, session_);
  }

  const GetOptions& options_;
  Context& context_;
  ApiSession& session_;
  int failed_ = kExitDone;
};

}  // namespace

int Run(const GetOptions& options, Context& context) {
  auto session = ApiSession::Open(context, options.client);
  return session ? Getter(options, context, *session).Run() : context.Refuse(session.error());
}

}  // namespace midwatch::cli
