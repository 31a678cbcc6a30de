#include "controller/cli/table_watch.h"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace midwatch::cli {
namespace {

constexpr Duration kBetweenTries = std::chrono::seconds(1);
constexpr std::size_t kLongestLine = std::size_t{4} << 20;

/// Cuts the stream into lines and keeps them for the command's thread.
class LineSink final : public HttpBodySink {
 public:
  explicit LineSink(Waker& waker) : waker_(waker) {}

  void OnHead(const HttpResponse&) override {}
  void OnBytes(std::string_view bytes) override {
    {
      const std::scoped_lock lock(mutex_);
      for (const char c : bytes) {
        if (c == '\n') {
          lines_.push_back(std::exchange(open_, {}));
        } else if (open_.size() < kLongestLine) {
          open_.push_back(c);
        }
      }
    }
    waker_.Wake();
  }
  void OnEnd(Result<void>) override {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    waker_.Wake();
  }

  std::deque<std::string> Take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(lines_, {});
  }
  bool HasNews() const {
    const std::scoped_lock lock(mutex_);
    return !lines_.empty() || ended_;
  }
  bool ended() const {
    const std::scoped_lock lock(mutex_);
    return ended_ && lines_.empty();
  }

 private:
  Waker& waker_;
  mutable std::mutex mutex_;
  std::deque<std::string> lines_;
  std::string open_;
  bool ended_ = false;
};

class Watching {
 public:
  Watching(const TableWatch& what, Context& context, ApiSession& session)
      : what_(what), context_(context), session_(session) {}

  int Run() {
    context_.world.waiter.CatchSignals();
    for (;;) {
      if (version_.empty()) {
        if (const auto listed = List(); !listed && !shown_) {
          return context_.Refuse(listed.error());
        }
      }
      if (!version_.empty() && Follow()) {
        return kExitSignalBase + signal_;
      }
      const MonoTime again = context_.Time().mono + kBetweenTries;
      context_.WaitFor({}, again, [this] { return Interrupted(); });
      if (signal_ != 0) {
        return kExitSignalBase + signal_;
      }
    }
  }

 private:
  bool Interrupted() {
    if (signal_ == 0) {
      signal_ = context_.world.waiter.TakeSignal().value_or(0);
    }
    return signal_ != 0;
  }

  Result<void> List() {
    MIDWATCH_ASSIGN(const Json document, session_.Fetch(what_.list + "?" + WithoutAnd(what_.query),
                                                        std::string(kTableAccept)));
    MIDWATCH_ASSIGN(ServerTable table, ServerTable::Parse(document));
    version_ = table.resource_version;
    std::set<std::pair<std::string, std::string>> there;
    for (const TableRow& row : table.rows) {
      there.emplace(row.namespace_name, row.name);
    }
    std::erase_if(passing_, [&](const auto& key) { return !there.contains(key); });
    Show(std::move(table), false);
    return {};
  }

  static std::string WithoutAnd(const std::string& query) {
    return query.empty() ? query : query.substr(1);
  }

  /// Until the stream ends (false) or a signal comes (true).
  bool Follow() {
    const auto sink = std::make_shared<LineSink>(context_.world.waiter);
    const auto stream = session_.connection().http->Stream(
        {.method = "GET",
         .target = what_.list + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version_ +
                   what_.query,
         .headers = {{"Accept", std::string(kTableAccept)}},
         .body = {}},
        sink);
    constexpr Duration kForever = std::chrono::hours(24 * 365);
    while (!sink->ended() && !version_.empty()) {
      context_.WaitFor({}, context_.Time().mono + kForever,
                       [&] { return Interrupted() || sink->HasNews(); });
      for (const std::string& line : sink->Take()) {
        TakeEvent(line);
      }
      if (signal_ != 0) {
        return true;
      }
    }
    return false;
  }

  void TakeEvent(const std::string& line) {
    const auto event = ParseJson(line);
    if (!event) {
      return;
    }
    const std::string& type = event->At("type").AsString();
    const Json& object = event->At("object");
    if (type == "ERROR") {
      version_.clear();  // The changes since are gone: list again.
      return;
    }
    const std::string& version = object.At("metadata", "resourceVersion").AsString();
    version_ = version.empty() ? version_ : version;
    if (auto table = ServerTable::Parse(object); table && type != "BOOKMARK") {
      Show(*std::move(table), type == "DELETED");
    }
  }

  /// A row that no longer passes search and state is shown once more, as it leaves.
  bool IsNews(const TableRow& row, bool is_gone) {
    const bool passes = Passes(row, columns_, what_.view);
    std::pair key(row.namespace_name, row.name);
    const bool passed = passing_.erase(key) > 0;
    if (passes && !is_gone) {
      passing_.insert(std::move(key));
    }
    return passes || passed;
  }

  void Show(ServerTable table, bool is_gone) {
    if (!table.columns.empty() && !text_) {
      columns_ = table.columns;
      text_.emplace(MakeTextTable(columns_, what_.view));
    }
    std::erase_if(table.rows, [&](const TableRow& row) { return !IsNews(row, is_gone); });
    TableView all = what_.view;
    all.search.clear();
    all.state.clear();
    if (text_ && AddRows(table.rows, columns_, all, *text_) > 0) {
      context_.Print(text_->Render(context_.out, what_.with_headings && !shown_));
      text_->Clear();
      shown_ = true;
    }
  }

  const TableWatch& what_;
  Context& context_;
  ApiSession& session_;
  std::vector<TableColumn> columns_;
  std::optional<TextTable> text_;
  std::set<std::pair<std::string, std::string>> passing_;  // Namespace and name.
  std::string version_;
  bool shown_ = false;
  int signal_ = 0;
};

}  // namespace

int WatchTable(const TableWatch& what, Context& context, ApiSession& session) {
  return Watching(what, context, session).Run();
}

}  // namespace midwatch::cli
