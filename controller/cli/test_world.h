#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/capabilities.h"
#include "controller/testing/fake_kube_client.h"
#include "controller/testing/manual_clock.h"
#include "controller/testing/seeded_random.h"

namespace midwatch::cli {

// Everything that a command needs, in memory. For tests alone; defined in test_world_test.cc.

/// Keeps what is written; standard error marked line by line.
class TestOutput final : public Output {
 public:
  TestOutput(std::string& transcript, std::string mark)
      : transcript_(transcript), mark_(std::move(mark)) {}
  void Write(std::string_view bytes) override;

 private:
  std::string& transcript_;
  const std::string mark_;
};

/// Waiting runs what the test has prepared, one thing at a time, else lets time pass.
class TestWaiter final : public Waiter {
 public:
  explicit TestWaiter(fakes::ManualClock& clock) : clock_(clock) {}

  void Wake() override { woken_ = true; }
  void WaitUntil(MonoTime deadline) override;
  void CatchSignals() override { catches = true; }
  std::optional<int> TakeSignal() override;

  std::deque<std::function<void()>> next;
  std::deque<int> signals;
  bool catches = false;

 private:
  fakes::ManualClock& clock_;
  bool woken_ = false;
};

class TestFiles final : public LocalFiles {
 public:
  Result<std::string> Read(const std::string& path, std::size_t limit) override;
  bool IsDirectory(const std::string& path) override;
  std::optional<std::string> PathInWorkTree(const std::string& directory) override;
  Result<std::vector<LocalFile>> Walk(const std::string& directory) override;
  Result<void> WritePrivate(const std::string& path, std::string_view bytes) override;

  std::map<std::string, std::string> files;
  bool read_only = false;
  std::optional<std::string> work_tree;  ///< Its root, spelled as the test's paths are.
};

/// What a started command does: writes, then exits. With `until_signal` it exits when a signal
/// comes.
struct TestProgram {
  std::vector<std::pair<bool, std::string>> output;  ///< True: to standard error.
  ProcessExit exit;
  bool until_signal = false;
  std::function<void()> effect = {};
};

class TestProcesses final : public ProcessRunner {
 public:
  Result<std::unique_ptr<Process>> Start(const ProcessSpec& spec,
                                         std::shared_ptr<ProcessSink> sink) override;

  std::map<std::string, TestProgram> programs;
  std::vector<ProcessSpec> started;
};

class TestArtifacts final : public ArtifactStore {
 public:
  void Put(std::string bytes, std::function<void(Result<std::string>)> done) override;
  void Get(std::string digest, std::function<void(Result<std::string>)> done) override;
  void Append(std::string log, std::uint64_t offset, std::string bytes,
              std::function<void(Result<std::uint64_t>)> done) override;
  void Read(std::string log, std::uint64_t offset, std::size_t limit,
            std::function<void(Result<std::string>)> done) override;

  std::map<std::string, std::string> contents;
  std::map<std::string, std::string> logs;
  std::optional<Error> failure;
};

class TestGit final : public GitClient {
 public:
  void Fetch(std::string source, GitFetchRequest request,
             std::function<void(Result<GitSnapshot>)> done) override;
  void Forget(std::string) override {}

  std::map<std::string, GitSnapshot> revisions;  ///< By branch, tag or commit.
};

/// Discovery and Tables over the fake API, with the columns of crds/.
class TestHttp final : public HttpClient {
 public:
  TestHttp(fakes::FakeKubeClient& kube, const Clock& clock) : kube_(kube), clock_(clock) {}

  void Send(HttpCall call, std::function<void(Result<HttpResponse>)> done) override;
  std::unique_ptr<HttpStreamHandle> Stream(HttpCall call,
                                           std::shared_ptr<HttpBodySink> sink) override;
  /// A Table of one object as an event of the running watch.
  void Event(std::string_view type, const ObjectKey& key);

  std::vector<std::string> targets;

 private:
  Result<HttpResponse> Answer(const HttpCall& call);
  fakes::FakeKubeClient& kube_;
  const Clock& clock_;
  std::shared_ptr<HttpBodySink> watching_;  // Shared with the command.
};

/// Forwards to the fake API; a dry run answers what would be and writes nothing.
class DryRunKube;

class TestWorld {
 public:
  TestWorld();
  ~TestWorld();

  /// Runs a command line, without `midwatch`. The transcript of this run: the command, what it
  /// wrote, and its exit code.
  std::string Run(const std::vector<std::string>& arguments);
  /// Several, one after the other.
  std::string RunAll(const std::vector<std::vector<std::string>>& commands);
  /// Puts an object of one of our kinds, from YAML.
  Object Put(std::string_view yaml);

  fakes::ManualClock clock;
  fakes::FakeKubeClient kube{clock};
  TestHttp http{kube, clock};
  TestWaiter waiter{clock};
  TestFiles files;
  TestProcesses processes;
  TestArtifacts artifacts;
  TestGit git;
  fakes::SeededRandom random{7};
  std::map<std::string, std::string> environment = {{"HOME", "/home/ann"}, {"PATH", "/bin"}};
  Terminal terminal;
  std::optional<Error> conflict;  ///< Of every dry run that does not force it.
  bool reachable = true;
  bool no_kubeconfig = false;
  int exit_code = 0;

 private:
  std::shared_ptr<KubeClient> client_;
};

/// Compares a transcript with testdata/NAME; with the flag --rewrite the file is written instead.
void ExpectGolden(std::string_view name, const std::string& transcript);

}  // namespace midwatch::cli
