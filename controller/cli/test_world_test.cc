#include "controller/cli/test_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "controller/api/embedded_document.h"
#include "controller/api/kinds.h"
#include "controller/base/digest.h"
#include "controller/base/encoding.h"
#include "controller/base/error_table.h"
#include "controller/base/text.h"
#include "controller/cli/command_line.h"
#include "controller/cli/context.h"
#include "controller/cli/run_command.h"
#include "controller/manifest/loader.h"
#include "controller/object/json_path.h"
#include "controller/object/patch.h"

namespace midwatch::cli {

void TestOutput::Write(std::string_view bytes) {
  for (const char c : bytes) {
    if (!mark_.empty() && (transcript_.empty() || transcript_.back() == '\n')) {
      transcript_ += mark_;
    }
    transcript_.append(c == '\x1b' ? "␛" : std::string(1, c));
  }
}

void TestWaiter::WaitUntil(MonoTime deadline) {
  if (std::exchange(woken_, false)) {
    return;
  }
  if (!next.empty()) {
    const auto step = std::move(next.front());
    next.pop_front();
    return step();
  }
  const MonoTime now = clock_.Read().mono;
  clock_.Advance(deadline > now ? deadline - now : Duration(0));
}

std::optional<int> TestWaiter::TakeSignal() {
  if (!catches || signals.empty()) {
    return std::nullopt;
  }
  const int signal = signals.front();
  signals.pop_front();
  return signal;
}

Result<std::string> TestFiles::Read(const std::string& path, std::size_t limit) {
  const auto found = files.find(path);
  if (found == files.end()) {
    return Fail(ErrorCode::kNotFound, path + ": no such file or directory");
  }
  return found->second.size() > limit
             ? Result<std::string>(Fail(ErrorCode::kTooLarge, path + ": too long"))
             : found->second;
}

namespace {

/// The beginning of the paths below a directory: nothing for `.`.
std::string Below(std::string directory) {
  while (directory.ends_with('/')) {
    directory.pop_back();
  }
  directory = directory.starts_with("./") ? directory.substr(2) : directory;
  return directory == "." ? "" : directory + "/";
}

}  // namespace

bool TestFiles::IsDirectory(const std::string& path) {
  return std::any_of(files.begin(), files.end(), [&](const auto& file) {
    return file.first.starts_with(Below(path)) && (path != "." || file.first.front() != '/');
  });
}

std::optional<std::string> TestFiles::PathInWorkTree(const std::string& directory) {
  if (!work_tree || !Below(directory).starts_with(Below(*work_tree))) {
    return std::nullopt;
  }
  const std::string below = Below(directory).substr(Below(*work_tree).size());
  return below.substr(0, below.rfind('/'));
}

Result<std::vector<LocalFile>> TestFiles::Walk(const std::string& directory) {
  std::vector<LocalFile> out;
  for (const auto& [path, bytes] : files) {
    const std::string below = Below(directory);
    if (path.starts_with(below) && (!below.empty() || path.front() != '/')) {
      out.push_back({path.substr(below.size()),
                     bytes == "<symlink>" ? LocalFileKind::kSymlink : LocalFileKind::kFile});
    }
  }
  return out;
}

Result<void> TestFiles::WritePrivate(const std::string& path, std::string_view bytes) {
  if (read_only) {
    return Fail(ErrorCode::kInvalid, "write " + path + ": Read-only file system");
  }
  files[path] = std::string(bytes);
  return {};
}

namespace {

class TestProcess final : public Process {
 public:
  TestProcess(TestProgram program, std::shared_ptr<ProcessSink> sink)
      : program_(std::move(program)), sink_(std::move(sink)) {}

  bool Write(std::string) override { return true; }
  void CloseInput() override { Begin(); }
  void Begin() {
    for (const auto& [is_error, text] : program_.output) {
      is_error ? sink_->OnStderr(text) : sink_->OnStdout(text);
    }
    if (program_.effect) {
      program_.effect();
    }
    if (!program_.until_signal) {
      sink_->OnExit(program_.exit);
    }
  }
  void Signal(int number) override {
    if (program_.until_signal) {
      sink_->OnExit({.code = 0, .signal = number});
    }
  }
  void Stop(Duration) override {}
  void KillAt(MonoTime) override {}

 private:
  const TestProgram program_;
  const std::shared_ptr<ProcessSink> sink_;  // Shared with the command.
};

}  // namespace

Result<std::unique_ptr<Process>> TestProcesses::Start(const ProcessSpec& spec,
                                                      std::shared_ptr<ProcessSink> sink) {
  started.push_back(spec);
  const auto found = programs.find(spec.command.front());
  if (found == programs.end()) {
    return Fail(ErrorCode::kNotFound, "no such program");
  }
  auto process = std::make_unique<TestProcess>(found->second, std::move(sink));
  if (spec.pass_through) {  // Nobody closes its input.
    process->Begin();
  }
  return process;
}

void TestArtifacts::Put(std::string bytes, std::function<void(Result<std::string>)> done) {
  if (failure) {
    return done(Fail(*failure));
  }
  const std::string digest = DigestOf(bytes);
  contents[digest] = std::move(bytes);
  done(digest);
}

void TestArtifacts::Get(std::string digest, std::function<void(Result<std::string>)> done) {
  const auto found = contents.find(digest);
  done(found == contents.end() ? Result<std::string>(Fail(ErrorCode::kNotFound, "not found"))
                               : Result<std::string>(found->second));
}

void TestArtifacts::Append(std::string log, std::uint64_t, std::string bytes,
                           std::function<void(Result<std::uint64_t>)> done) {
  logs[log] += bytes;
  done(logs[log].size());
}

void TestArtifacts::Read(std::string log, std::uint64_t offset, std::size_t limit,
                         std::function<void(Result<std::string>)> done) {
  const auto found = logs.find(log);
  if (found == logs.end()) {
    return done(Fail(ErrorCode::kNotFound, "not found"));
  }
  done(offset >= found->second.size() ? std::string() : found->second.substr(offset, limit));
}

void TestGit::Fetch(std::string, GitFetchRequest request,
                    std::function<void(Result<GitSnapshot>)> done) {
  if (request.remote.ref.find('~') != std::string::npos) {
    return done(Fail(ErrorCode::kInvalid, Quote(request.remote.ref) + " is no valid name"));
  }
  const auto found = revisions.find(request.remote.ref);
  if (found == revisions.end() || request.remote.ref_kind == GitRefKind::kTag) {
    return done(Fail(ErrorCode::kNotFound, request.remote.url + ": no such ref"));
  }
  done(found->second);
}

namespace {

const std::vector<Json>& Definitions() {
  static const std::vector<Json> kAll = api::EmbeddedDefinitions();
  return kAll;
}

Json DefinitionOf(std::string_view group, std::string_view plural) {
  for (const Json& crd : Definitions()) {
    if (crd.At("spec", "group").AsString() == group &&
        crd.At("spec", "names", "plural").AsString() == plural) {
      return crd;
    }
  }
  return {};
}

Json DiscoveryOf(bool core) {
  std::map<std::string, Json> groups;
  for (const Json& crd : Definitions()) {
    const Json& spec = crd.At("spec");
    const std::string& group = spec.At("group").AsString();
    if (group.empty() != core) {
      continue;
    }
    const Json& names = spec.At("names");
    groups[group].Append(
        Json::Of({{"resource", names.At("plural")},
                  {"responseKind", Json::Of({{"kind", names.At("kind")}})},
                  {"scope", spec.At("scope").AsString() == "Namespaced" ? "Namespaced" : "Cluster"},
                  {"singularResource", names.At("singular")},
                  {"shortNames", names.At("shortNames")},
                  {"categories", names.At("categories")},
                  {"verbs", Json::ArrayOf({"get", "list"})}}));
  }
  Json items = Json::EmptyArray();
  for (auto& [group, resources] : groups) {
    const std::string version = group == "midwatch.dev" ? "v1alpha1" : "v1";
    items.Append(
        Json::Of({{"metadata", Json::Of({{"name", group}})},
                  {"versions",
                   Json::ArrayOf({Json::Of({{"version", version}, {"resources", resources}})})}}));
  }
  return Json::Of({{"kind", "APIGroupDiscoveryList"}, {"items", std::move(items)}});
}

/// A path of the API taken apart.
struct Target {
  std::string group;
  std::string version;
  std::string namespace_name;
  std::string plural;
  std::string name;
  std::map<std::string, std::string> query;
};

Target ParseTarget(const std::string& target) {
  Target out;
  const std::size_t mark = target.find('?');
  std::vector<std::string> parts;
  const std::string path = target.substr(1, mark == std::string::npos ? mark : mark - 1);
  for (const auto part : Split(path, '/')) {
    parts.push_back(*PercentDecode(part, false));
  }
  std::size_t at = parts[0] == "api" ? 1 : 2;
  out.group = parts[0] == "api" ? "" : parts[1];
  out.version = parts.at(at++);
  if (parts.at(at) == "namespaces" && parts.size() > at + 2) {
    out.namespace_name = parts[at + 1];
    at += 2;
  }
  out.plural = parts.at(at++);
  out.name = at < parts.size() ? parts[at] : "";
  if (mark != std::string::npos) {
    const std::string query = target.substr(mark + 1);
    for (const auto pair : Split(query, '&')) {
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos) {
        out.query[std::string(pair.substr(0, equals))] =
            *PercentDecode(pair.substr(equals + 1), true);
      }
    }
  }
  return out;
}

Json CellOf(const Json& column, const Json& body, WallTime now) {
  const auto path = JsonPath::Parse(column.At("jsonPath").AsString());
  const Json* value = path->First(body);
  if (value == nullptr) {
    return {};
  }
  if (column.At("type").AsString() == "date") {
    const auto time = ParseTime(value->AsString());
    return time ? Json(FormatAge(now - *time)) : Json("<unknown>");
  }
  return *value;
}

Json TableOf(const Json& crd, const std::vector<Object>& objects, const std::string& version,
             WallTime now) {
  const Json& printed = crd.At("spec", "versions").Items().front().At("additionalPrinterColumns");
  Json columns = Json::ArrayOf({Json::Of({{"name", "Name"}, {"type", "string"}, {"priority", 0}})});
  for (const Json& column : printed.Items()) {
    columns.Append(Json::Of({{"name", column.At("name")},
                             {"type", column.At("type")},
                             {"priority", column.At("priority").AsInt()}}));
  }
  Json rows = Json::EmptyArray();
  for (const Object& object : objects) {
    const Json body = object.Body();
    Json cells = Json::ArrayOf({Json(object.name())});
    for (const Json& column : printed.Items()) {
      cells.Append(CellOf(column, body, now));
    }
    rows.Append(Json::Of(
        {{"cells", std::move(cells)}, {"object", Json::Of({{"metadata", body.At("metadata")}})}}));
  }
  return Json::Of({{"kind", "Table"},
                   {"metadata", Json::Of({{"resourceVersion", version}})},
                   {"columnDefinitions", std::move(columns)},
                   {"rows", std::move(rows)}});
}

HttpResponse Ok(const Json& body) { return {.status = 200, .headers = {}, .body = body.Dump()}; }

HttpResponse StatusOf(const Error& error) {
  const ErrorRow& row = RowOf(error.code);
  return {
      .status = row.http_status,
      .headers = {},
      .body =
          Json::Of({{"kind", "Status"}, {"reason", Json(row.reason)}, {"message", error.message}})
              .Dump()};
}

}  // namespace

void TestHttp::Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) {
  targets.push_back(call.target);
  done(Answer(call));
}

Result<HttpResponse> TestHttp::Answer(const HttpCall& call) {
  if (call.target == "/api" || call.target == "/apis") {
    return Ok(DiscoveryOf(call.target == "/api"));
  }
  if (call.target == "/version") {
    return Ok(Json::Of({{"gitVersion", "v1.32.0+midwatch-0.1.0"}}));
  }
  const Target target = ParseTarget(call.target);
  const Json crd = DefinitionOf(target.group, target.plural);
  const ResourceType type{.group = target.group,
                          .version = target.version,
                          .kind = crd.At("spec", "names", "kind").AsString(),
                          .plural = target.plural,
                          .namespaced = crd.At("spec", "scope").AsString() == "Namespaced"};
  std::vector<Object> objects;
  std::optional<Error> failed;
  if (!target.name.empty()) {
    kube_.Get({.type = type, .namespace_name = target.namespace_name, .name = target.name},
              [&](Result<Object> object) {
                object ? objects.push_back(*object) : void(failed = object.error());
              });
  } else {
    const auto query = [&](const char* name) {
      const auto found = target.query.find(name);
      return found == target.query.end() ? std::string() : found->second;
    };
    kube_.List({.type = type,
                .namespace_name = target.namespace_name,
                .label_selector = query("labelSelector"),
                .field_selector = query("fieldSelector"),
                .continue_token = {},
                .resource_version = {}},
               [&](Result<ListResponse> list) {
                 list ? void(objects = list->items) : void(failed = list.error());
               });
  }
  if (failed) {
    return StatusOf(*failed);
  }
  return Ok(TableOf(crd, objects, std::to_string(kube_.version()), clock_.Read().wall));
}

namespace {
class NoHandle final : public HttpStreamHandle {};
}  // namespace

std::unique_ptr<HttpStreamHandle> TestHttp::Stream(HttpCall call,
                                                   std::shared_ptr<HttpBodySink> sink) {
  targets.push_back(call.target);
  watching_ = std::move(sink);
  watching_->OnHead({.status = 200, .headers = {}, .body = {}});
  return std::make_unique<NoHandle>();
}

void TestHttp::Event(std::string_view type, const ObjectKey& key) {
  const std::size_t dot = key.resource.find('.');
  const Json crd = DefinitionOf(dot == std::string::npos ? "" : key.resource.substr(dot + 1),
                                key.resource.substr(0, dot));
  const Object object = kube_.Find(key);
  Json table = TableOf(crd, {object}, object.resource_version(), clock_.Read().wall);
  watching_->OnBytes(Json::Of({{"type", type}, {"object", std::move(table)}}).Dump() + "\n");
}

class DryRunKube final : public KubeClient {
 public:
  DryRunKube(fakes::FakeKubeClient& kube, const std::optional<Error>& conflict)
      : kube_(kube), conflict_(conflict) {}

  void Get(GetRequest request, Completion<Object> done) override {
    kube_.Get(std::move(request), std::move(done));
  }
  void List(ListRequest request, Completion<ListResponse> done) override {
    kube_.List(std::move(request), std::move(done));
  }
  void Create(CreateRequest request, Completion<Object> done) override {
    kube_.Create(std::move(request), std::move(done));
  }
  void Update(UpdateRequest request, Completion<Object> done) override {
    kube_.Update(std::move(request), std::move(done));
  }
  void Patch(PatchRequest request, Completion<Object> done) override {
    if (!request.dry_run) {
      return kube_.Patch(std::move(request), std::move(done));
    }
    if (conflict_ && !request.force) {
      return done(Fail(*conflict_));
    }
    const Object known =
        kube_.Find({request.type.Resource(), request.namespace_name, request.name});
    Json before = known ? known.Body() : Json::EmptyObject();
    done(Object::FromJson(ApplyMergePatch(std::move(before), request.patch)));
  }
  void Delete(DeleteRequest request, Completion<Object> done) override {
    if (!request.dry_run) {
      return kube_.Delete(std::move(request), std::move(done));
    }
    kube_.Get(
        {.type = request.type, .namespace_name = request.namespace_name, .name = request.name},
        std::move(done));
  }
  std::unique_ptr<WatchHandle> Watch(WatchRequest request,
                                     std::shared_ptr<WatchSink> sink) override {
    return kube_.Watch(std::move(request), std::move(sink));
  }

 private:
  fakes::FakeKubeClient& kube_;
  const std::optional<Error>& conflict_;
};

TestWorld::TestWorld() : client_(std::make_shared<DryRunKube>(kube, conflict)) {}
TestWorld::~TestWorld() = default;

namespace {

std::string ShownCommand(const std::vector<std::string>& arguments) {
  std::string out = "$ midwatch";
  for (const std::string& argument : arguments) {
    const bool plain = !argument.empty() && argument.find_first_of(" '\"$") == std::string::npos;
    out += " " + (plain ? argument : "'" + argument + "'");
  }
  return out + "\n";
}

template <typename T>
std::shared_ptr<T> Borrowed(T& object) {
  return std::shared_ptr<T>(std::shared_ptr<T>(), &object);
}

}  // namespace

std::string TestWorld::Run(const std::vector<std::string>& arguments) {
  std::string transcript = ShownCommand(arguments);
  TestOutput out(transcript, "");
  TestOutput err(transcript, "! ");
  Capabilities world{
      .out = out,
      .err = err,
      .terminal = terminal,
      .environment = environment,
      .clock = clock,
      .random = random,
      .waiter = waiter,
      .files = files,
      .processes = processes,
      .git = git,
      .connect = [this](const std::vector<std::string>&) -> Result<Connection> {
        if (no_kubeconfig) {
          return Fail(ErrorCode::kNotFound, "no kubeconfig: looked for /home/ann/.kube/config");
        }
        if (!reachable) {
          return Fail(ErrorCode::kUnavailable, "https://127.0.0.1:7443: connection refused");
        }
        return Connection{.kube = client_,
                          .http = Borrowed<HttpClient>(http),
                          .artifacts = Borrowed<ArtifactStore>(artifacts),
                          .server = "https://127.0.0.1:7443",
                          .ca_pem = "CA",
                          .namespace_name = {}};
      },
      .issue_agent_token = [](const Object& agent) -> NewToken {
        return {.token = Secret<std::string>("mwa_demo_0123456789"),
                .secret = Json::Of({{"apiVersion", "v1"},
                                    {"kind", "Secret"},
                                    {"metadata", Json::Of({{"name", "agent-token-" + agent.name()},
                                                           {"namespace", "midwatch-system"}})}})};
      },
      .version = "0.1.0",
      .commit = "abc1234"};
  auto parsed = Parse(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    out.Write(exit->out);
    err.Write(exit->err);
    if (!exit->error.empty()) {
      err.Write(ErrorText(exit->error, exit->hint, Style(false)));
    }
    exit_code = exit->code;
  } else {
    const ParsedCommand& command = std::get<ParsedCommand>(parsed);
    exit_code = RunCommand(std::get<ClientCommand>(command.command), command.colour, world);
  }
  if (transcript.back() != '\n') {
    transcript += "\n";
  }
  return transcript + "[exit code " + std::to_string(exit_code) + "]\n";
}

std::string TestWorld::RunAll(const std::vector<std::vector<std::string>>& commands) {
  std::string all;
  for (const auto& command : commands) {
    all += (all.empty() ? "" : "\n") + Run(command);
  }
  return all;
}

Object TestWorld::Put(std::string_view yaml) {
  const manifest::LoadedYaml loaded = manifest::LoadYaml("test.yaml", yaml);
  if (!loaded.errors.empty()) {
    ADD_FAILURE() << loaded.errors.front().ToString();
    return {};
  }
  const ResourceType* type =
      api::FindKind(loaded.body.At("apiVersion").AsString(), loaded.body.At("kind").AsString());
  if (type == nullptr) {
    ADD_FAILURE() << "unknown kind";
    return {};
  }
  return kube.Put(*type, loaded.body);
}

namespace {

bool Rewrites() {
  const auto arguments = testing::internal::GetArgvs();
  return std::find(arguments.begin(), arguments.end(), "--rewrite") != arguments.end();
}

}  // namespace

void ExpectGolden(std::string_view name, const std::string& transcript) {
  const std::string path =
      MIDWATCH_SOURCE_DIR "/controller/cli/testdata/" + std::string(name) + ".txt";
  if (Rewrites()) {
    std::ofstream(path) << transcript;
    return;
  }
  std::ifstream file(path);
  std::stringstream wanted;
  wanted << file.rdbuf();
  EXPECT_EQ(transcript, wanted.str()) << path << "; cli_test --rewrite refreshes it";
}

}  // namespace midwatch::cli
