#include "controller/git/worker_git_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "controller/git/test_repository.h"
#include "controller/posix/process_recorder.h"
#include "controller/posix/process_runner.h"

namespace midwatch::git {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WorkerGitClientTest : public testing::Test {
 protected:
  WorkerGitClientTest() { Restart({}); }

  void Restart(GitLimits limits, std::vector<std::string> command = {MIDWATCH_GIT_WORKER}) {
    client_.reset();
    client_ = std::make_unique<WorkerGitClient>(
        runner_, WorkerOptions{.command = std::move(command),
                               .cache_directory = scratch_.path() + "/cache",
                               .allow_file = true,
                               .limits = limits,
                               .max_workers = 2,
                               .grace = milliseconds(200)});
  }

  Result<GitSnapshot> Fetch(GitFetchRequest request, const std::string& source = "source") {
    std::promise<Result<GitSnapshot>> promise;
    client_->Fetch(source, std::move(request),
                   [&](Result<GitSnapshot> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }

  GitFetchRequest Request(const std::string& path = "") const {
    GitFetchRequest request;
    request.remote.url = repository_.FileUrl();
    request.remote.path = path;
    return request;
  }
  GitFetchRequest RefRequest(GitRefKind kind, const std::string& ref) const {
    GitFetchRequest request = Request();
    request.remote.ref_kind = kind;
    request.remote.ref = ref;
    return request;
  }

  /// `path=bytes` of each entry, in order.
  static std::string Show(const Result<GitSnapshot>& snapshot) {
    if (!snapshot) {
      return "error: " + snapshot.error().message;
    }
    std::string text;
    for (const GitEntry& entry : snapshot->entries) {
      text += entry.path + "=" +
              (entry.kind == GitEntryKind::kSymlink         ? "<symlink>"
               : entry.kind == GitEntryKind::kSubmodule     ? "<submodule>"
               : entry.kind == GitEntryKind::kDirectoryLink ? "<directory link>"
               : entry.kind == GitEntryKind::kSameDirectory ? "<same>"
               : entry.too_large                            ? "<too large>"
                                                            : entry.bytes) +
              ";";
    }
    return text;
  }

  static ErrorCode CodeOf(const Result<GitSnapshot>& snapshot) {
    EXPECT_FALSE(snapshot.has_value());
    return snapshot ? ErrorCode::kInternal : snapshot.error().code;
  }

  ScratchDirectory scratch_;
  TestRepository repository_{scratch_.path()};
  posix::PosixProcessRunner runner_;
  std::unique_ptr<WorkerGitClient> client_;
};

TEST_F(WorkerGitClientTest, ReadsEverythingSortedByPath) {
  repository_.Write("b.yaml", "two");
  repository_.Write("a/z.yaml", "one");
  repository_.Write("a.yaml", "dot sorts before slash");
  const std::string commit = repository_.Commit();
  const Result<GitSnapshot> snapshot = Fetch(Request());
  EXPECT_EQ(Show(snapshot), "a.yaml=dot sorts before slash;a/z.yaml=one;b.yaml=two;");
  EXPECT_EQ(snapshot->revision.commit, commit);
  EXPECT_EQ(snapshot->revision.tree, repository_.Git("rev-parse HEAD^{tree}"));
  EXPECT_FALSE(snapshot->unchanged);
}

TEST_F(WorkerGitClientTest, ReadsOnlyBelowThePath) {
  repository_.Write("a/b/x.yaml", "x");
  repository_.Write("c.yaml", "c");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request("a/b"))), "a/b/x.yaml=x;");
  EXPECT_EQ(Show(Fetch(Request("./a/"))), "a/b/x.yaml=x;");
  EXPECT_EQ(Fetch(Request("a/b"))->revision.tree, repository_.Git("rev-parse HEAD:a/b"));
}

TEST_F(WorkerGitClientTest, AnUnchangedTreeIsNotReadAgain) {
  repository_.Write("a/x.yaml", "x");
  repository_.Commit();
  GitFetchRequest request = Request("a");
  const Result<GitSnapshot> first = Fetch(request);
  repository_.Write("outside.yaml", "y");
  const std::string second_commit = repository_.Commit();
  request.known_tree = first->revision.tree;
  const Result<GitSnapshot> second = Fetch(request);
  EXPECT_TRUE(second->unchanged);
  EXPECT_EQ(second->revision.commit, second_commit);
  EXPECT_TRUE(second->entries.empty());
}

TEST_F(WorkerGitClientTest, KnownBlobsAreListedWithoutBytes) {
  repository_.Write("a.yaml", "a");
  repository_.Write("b.yaml", "b");
  repository_.Commit();
  GitFetchRequest request = Request();
  request.known_blobs = repository_.Git("rev-parse HEAD:a.yaml");
  EXPECT_EQ(Show(Fetch(request)), "a.yaml=;b.yaml=b;");
}

TEST_F(WorkerGitClientTest, OnlyFilesWithTheSuffixesAreRead) {
  repository_.Write("a.yaml", "a");
  repository_.Write("logo.png", "png");
  repository_.Write("B.YAML", "b");
  repository_.Commit();
  GitFetchRequest request = Request();
  request.read_suffixes = {".yaml"};
  EXPECT_EQ(Show(Fetch(request)), "B.YAML=b;a.yaml=a;logo.png=;");
}

// Security cases s01, s02, s03, s05 (no submodule is ever fetched or placed) and s12.
TEST_F(WorkerGitClientTest, SymlinksAndSubmodulesAreReportedNotRead) {
  repository_.Write("real.yaml", "x");
  std::filesystem::create_symlink("/etc/passwd", repository_.work() + "/link.yaml");
  repository_.Git("add -A");
  repository_.Git("update-index --add --cacheinfo 160000," + std::string(40, '1') + ",module");
  repository_.Git("commit -q -m x && git push -q origin HEAD:main");
  EXPECT_EQ(Show(Fetch(Request())), "link.yaml=<symlink>;module=<submodule>;real.yaml=x;");
}

TEST_F(WorkerGitClientTest, DirectoriesThatAreKnownComeAsOneEntry) {
  for (const std::string file : {"a/deep/x.yaml", "a/y.yaml", "b/z.yaml", "c.yaml", "d/w.yaml"}) {
    repository_.Write(file, file);
  }
  repository_.Commit();
  GitFetchRequest request = Request();
  request.same_directories = true;
  request.known_tree = Fetch(Request())->revision.tree;
  repository_.Write("a/y.yaml", "new");
  repository_.Git("rm -r -q b && git rm -q d/w.yaml");
  repository_.Write("b", "now a file");
  repository_.Write("d", "");
  repository_.Write("e/f.yaml", "more");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(request)),
            "a/deep/=<same>;a/y.yaml=new;b=now a file;c.yaml=;d=;e/f.yaml=more;");
  request.known_tree = std::string(40, '1');
  EXPECT_EQ(
      Show(Fetch(request)),
      "a/deep/x.yaml=a/deep/x.yaml;a/y.yaml=new;b=now a file;c.yaml=c.yaml;d=;e/f.yaml=more;");
}

TEST_F(WorkerGitClientTest, LinksToDirectoriesOfTheCommitAreToldApart) {
  repository_.Write("base/one/a.yaml", "x");
  repository_.Write("deploy/README", "x");
  const auto link = [&](const std::string& name, const std::string& target) {
    std::filesystem::create_symlink(target, repository_.work() + "/deploy/" + name);
  };
  link("file", "README");
  link("gone", "../base/two");
  link("in", "../base/./one/");
  link("loop", "loop");
  link("out", "../../base");
  link("root", "..");
  link("system", "/usr");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request("deploy"))),
            "deploy/README=x;deploy/file=<symlink>;deploy/gone=<symlink>;"
            "deploy/in=<directory link>;deploy/loop=<symlink>;deploy/out=<symlink>;"
            "deploy/root=<directory link>;deploy/system=<symlink>;");
}

TEST_F(WorkerGitClientTest, ResolvesBranchesTagsAndCommits) {
  repository_.Write("v", "1");
  const std::string first = repository_.Commit();
  repository_.Git(
      "tag light && git tag -a annotated -m x 2>/dev/null || "
      "git -c user.name=a -c user.email=a@b tag -a annotated -m x");
  repository_.Write("v", "2");
  repository_.Commit();
  repository_.Write("v", "3");
  repository_.Commit("feature/x");
  EXPECT_EQ(Show(Fetch(RefRequest(GitRefKind::kBranch, "main"))), "v=2;");
  EXPECT_EQ(Show(Fetch(RefRequest(GitRefKind::kBranch, "feature/x"))), "v=3;");
  EXPECT_EQ(Show(Fetch(RefRequest(GitRefKind::kTag, "light"))), "v=1;");
  EXPECT_EQ(Show(Fetch(RefRequest(GitRefKind::kTag, "annotated"))), "v=1;");
  EXPECT_EQ(Fetch(RefRequest(GitRefKind::kTag, "annotated"))->revision.commit, first);
  EXPECT_EQ(Show(Fetch(RefRequest(GitRefKind::kCommit, first))), "v=1;");
}

// Its rows of schemes are security case s11.
TEST_F(WorkerGitClientTest, SaysWhatIsMissing) {
  EXPECT_EQ(Show(Fetch(Request())), "error: the repository is empty: it has no commit yet");
  repository_.Write("dir/file", "1");
  repository_.Commit();
  repository_.Git("push -q origin $(printf x | git hash-object -w --stdin):refs/tags/blob");
  const std::string nowhere(40, '7');
  struct Case {
    GitFetchRequest request;
    ErrorCode code;
    std::string message;
  };
  GitFetchRequest gone = Request();
  gone.remote.url += "x";
  GitFetchRequest login = Request();
  login.remote.url = "https://me:secret@git.example/a.git";
  GitFetchRequest scheme = Request();
  scheme.remote.url = "ext::sh -c id";
  GitFetchRequest ssh = Request();
  ssh.remote.url = "ssh://-oProxyCommand=id/x";
  GitFetchRequest plain = Request();
  plain.remote.url = "http://127.0.0.1:1/a.git";
  plain.remote.password = Secret<std::string>("secret");
  using enum ErrorCode;
  const std::vector<Case> cases = {
      {Request("nope"), kNotFound, "path \"nope\" does not exist in the repository"},
      {Request("dir/file"), kInvalid, "path \"dir/file\" is a file, expected a directory"},
      {Request("../x"), kNotFound, "path \"../x\" does not exist in the repository"},
      {RefRequest(GitRefKind::kBranch, "mian"), kNotFound,
       "branch \"mian\" does not exist in the repository, did you mean \"main\"?"},
      {RefRequest(GitRefKind::kTag, "v9"), kNotFound,
       "tag \"v9\" does not exist in the repository"},
      {RefRequest(GitRefKind::kBranch, "a..b"), kInvalid, "\"a..b\" is no valid name of a branch"},
      {RefRequest(GitRefKind::kCommit, "123"), kInvalid, "\"123\" is not a full SHA-1 commit id"},
      {RefRequest(GitRefKind::kCommit, nowhere), kNotFound,
       "commit " + nowhere + " is not in the repository"},
      {RefRequest(GitRefKind::kTag, "blob"), kInvalid, "the ref names a blob, expected a commit"},
      {gone, kNotFound, "there is no git repository at \"" + repository_.bare() + "x\""},
      {login, kInvalid, "url: credentials belong into a Secret, not into the URL"},
      {scheme, kInvalid, "url: expected https://, http:// or file://"},
      {ssh, kInvalid, "url: scheme \"ssh\", expected https, http or file"},
      {plain, kInvalid, "url: credentials are not sent over http://, use https://"},
  };
  for (const Case& c : cases) {
    const Result<GitSnapshot> snapshot = Fetch(c.request);
    EXPECT_EQ(CodeOf(snapshot), c.code) << c.message;
    EXPECT_EQ(Show(snapshot), "error: " + c.message);
  }
}

TEST_F(WorkerGitClientTest, AHeadThatNamesNoBranchIsExplained) {
  repository_.Write("a", "1");
  repository_.Commit("other");
  EXPECT_EQ(Show(Fetch(Request())),
            "error: the HEAD of the repository names no branch that exists: set ref.branch");
}

TEST_F(WorkerGitClientTest, FollowsAForcePushAndARecreatedRemote) {
  repository_.Write("a", "1");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "a=1;");
  repository_.Write("a", "2");
  repository_.Git("add -A");
  repository_.Git("-c user.name=a -c user.email=a@b commit -q --amend -m other");
  repository_.Git("push -q -f origin HEAD:main");
  EXPECT_EQ(Show(Fetch(Request())), "a=2;");
  std::filesystem::remove_all(repository_.bare());
  EXPECT_EQ(CodeOf(Fetch(Request())), ErrorCode::kNotFound);
  std::filesystem::remove_all(repository_.work());
  repository_.Create();
  EXPECT_EQ(Show(Fetch(Request())), "error: the repository is empty: it has no commit yet");
  repository_.Write("b", "3");
  repository_.Commit();
  EXPECT_EQ(Show(Fetch(Request())), "b=3;");
}

// Security case s13, with the next test.
TEST_F(WorkerGitClientTest, LimitsOfFilesBytesEntriesAndDepthAreCrossed) {
  repository_.Write("a/small", "1234");
  repository_.Write("a/large", "12345");
  repository_.Write("b/c/d/deep", "1");
  repository_.Commit();
  Restart({.file_bytes = 4});
  EXPECT_EQ(Show(Fetch(Request("a"))), "a/large=<too large>;a/small=1234;");
  Restart({.total_bytes = 8});
  EXPECT_EQ(Show(Fetch(Request("a"))), "error: more than 8 bytes of files under the path");
  EXPECT_EQ(CodeOf(Fetch(Request("a"))), ErrorCode::kTooLarge);
  Restart({.entries = 2});
  EXPECT_EQ(Show(Fetch(Request("a"))), "a/large=12345;a/small=1234;");
  EXPECT_EQ(Show(Fetch(Request())), "error: more than 2 files under the path");
  Restart({.depth = 2});
  EXPECT_EQ(Show(Fetch(Request("b"))), "b/c/d/deep=1;");
  EXPECT_EQ(Show(Fetch(Request())), "error: \"b/c/d/\": directories are more than 2 deep");
}

TEST_F(WorkerGitClientTest, ABlobOfAGibibyteIsReportedNotRead) {
  repository_.Git("update-index --add --cacheinfo 100644," + repository_.WriteZeros(1 << 30) +
                  ",huge.yaml");
  repository_.Write("small.yaml", "x");
  repository_.Git("add small.yaml");
  repository_.Git("commit -q -m x && git push -q origin HEAD:main");
  EXPECT_EQ(Show(Fetch(Request())), "huge.yaml=<too large>;small.yaml=x;");
}

// Security case s07. Nothing is checked out, so other spellings, and clashes of case (s04), are
// names like any other.
TEST_F(WorkerGitClientTest, TreesThatGitForbidsAreRefused) {
  const std::string blob = repository_.Git("hash-object -w -t blob /dev/null");
  struct Case {
    std::string name;
    std::string message;
  };
  for (const Case& c : {Case{".GIT", "\".GIT\": git forbids this name"},
                        Case{"..", "\"..\": git forbids this name"},
                        Case{"a/b", "\"a/b\": git forbids this name"}}) {
    const std::string tree = Shell("cd '" + repository_.work() + "' && (printf '100644 " + c.name +
                                   "\\0'; perl -e 'print pack(\"H*\", \"" + blob +
                                   "\")') | git hash-object -w -t tree --literally --stdin");
    const std::string commit =
        repository_.Git("-c user.name=a -c user.email=a@b commit-tree -m x " + tree);
    Shell("cp -r '" + repository_.work() + "/.git/objects' '" + repository_.bare() + "'");
    Shell("echo " + commit + " > '" + repository_.bare() + "/refs/heads/main'");
    EXPECT_EQ(Show(Fetch(Request())), "error: " + c.message);
  }
}

// Security case s10.
TEST_F(WorkerGitClientTest, ConfigurationOfTheRepositoryRunsNothing) {
  repository_.Write("a.yaml", "x");
  repository_.Write(".gitattributes", "*.yaml filter=evil\n");
  repository_.Commit();
  const std::string proof = scratch_.path() + "/ran";
  std::ofstream(repository_.bare() + "/config", std::ios::app)
      << "[core]\n fsmonitor = touch " << proof << "\n sshCommand = touch " << proof
      << "\n[filter \"evil\"]\n smudge = touch " << proof << "\n";
  GitFetchRequest request = Request();
  request.read_suffixes = {".yaml"};
  EXPECT_EQ(Show(Fetch(request)), ".gitattributes=;a.yaml=x;");
  EXPECT_FALSE(std::filesystem::exists(proof));
}

// Security case s11.
TEST_F(WorkerGitClientTest, FileUrlsNeedTheOption) {
  client_ = std::make_unique<WorkerGitClient>(
      runner_, WorkerOptions{.command = {MIDWATCH_GIT_WORKER}, .cache_directory = scratch_.path()});
  EXPECT_EQ(CodeOf(Fetch(Request())), ErrorCode::kForbidden);
}

TEST_F(WorkerGitClientTest, AWorkerThatHangsDiesAndTheNextFetchWorks) {
  Restart({}, {"/bin/sh", "-c", "exec sleep 600"});
  GitFetchRequest request = Request();
  request.deadline = milliseconds(100);
  EXPECT_EQ(CodeOf(Fetch(request)), ErrorCode::kTimeout);
  EXPECT_EQ(CodeOf(Fetch(request)), ErrorCode::kTimeout);
}

TEST_F(WorkerGitClientTest, AWorkerThatDiesOrTalksNonsenseFailsTheRequest) {
  struct Case {
    std::string script;
    std::string message;
  };
  for (const Case& c :
       {Case{"head -c 8 >/dev/null; exit 3", "the git worker ended unexpectedly (exit code 3)"},
        Case{"kill -BUS $$; sleep 9", "the disk of the git cache is full"},
        Case{"head -c 8 >/dev/null; exit 77",
             "reading the repository takes more memory than it may"},
        Case{"head -c 100000 /dev/zero | tr '\\0' x; sleep 9",
             "git worker: frame of 4042322160 bytes is too large"},
        Case{"printf '\\0\\0\\0\\2\\0\\0\\0\\1{}x'; exec sleep 9",
             "git worker: an answer that is none"}}) {
    Restart({}, {"/bin/sh", "-c", c.script});
    EXPECT_EQ(Show(Fetch(Request())), "error: " + c.message);
  }
}

// Security case s14.
TEST_F(WorkerGitClientTest, MemoryIsBounded) {
  if (kWorkerMemory == 0) {
    GTEST_SKIP() << "not under a sanitizer";
  }
  repository_.CommitMany(20'000);
  Restart({.memory_bytes = std::uint64_t{6} << 20});
  EXPECT_EQ(CodeOf(Fetch(Request())), ErrorCode::kTooLarge);
}

TEST_F(WorkerGitClientTest, MoreSourcesThanWorkersTakeTurns) {
  repository_.Write("a", "1");
  repository_.Commit();
  std::vector<std::promise<std::string>> answers(6);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    client_->Fetch(
        "source" + std::to_string(i), Request(),
        [&, i](const Result<GitSnapshot>& result) { answers[i].set_value(Show(result)); });
  }
  for (std::promise<std::string>& answer : answers) {
    EXPECT_EQ(answer.get_future().get(), "a=1;");
  }
}

// Else many remotes that hang would keep those from being read whose names come behind theirs.
TEST_F(WorkerGitClientTest, TurnsAreInTheOrderOfAsking) {
  Restart({}, {"/bin/sleep", "1000"});
  std::mutex mutex;
  std::vector<std::string> ended;
  std::promise<void> all;
  GitFetchRequest request = Request();
  request.deadline = milliseconds(50);
  const std::vector<std::string> asked = {"n", "m", "z", "y", "a"};
  for (const std::string& source : asked) {
    client_->Fetch(source, request, [&, source](const Result<GitSnapshot>&) {
      const std::lock_guard lock(mutex);
      ended.push_back(source);
      if (ended.size() == asked.size()) {
        all.set_value();
      }
    });
  }
  ASSERT_EQ(all.get_future().wait_for(seconds(30)), std::future_status::ready);
  EXPECT_EQ(ended.back(), "a") << "two at a time, and this one asked last";
}

TEST_F(WorkerGitClientTest, TooManyWaitingRequestsAreRefused) {
  Restart({}, {"/bin/sh", "-c", "exec sleep 600"});
  std::mutex mutex;
  std::map<ErrorCode, int> codes;
  for (std::size_t i = 0; i < kMaxWaitingPerSource + 2; ++i) {
    client_->Fetch("source", Request(), [&](const Result<GitSnapshot>& result) {
      const std::lock_guard lock(mutex);
      ++codes[result.error().code];
    });
  }
  client_.reset();
  EXPECT_EQ(codes[ErrorCode::kTooManyRequests] + codes[ErrorCode::kUnavailable],
            static_cast<int>(kMaxWaitingPerSource + 2));
}

TEST_F(WorkerGitClientTest, ForgettingASourceAnswersWhatWaits) {
  Restart({}, {"/bin/sh", "-c", "exec sleep 600"});
  std::promise<ErrorCode> code;
  client_->Fetch("source", Request(),
                 [&](const Result<GitSnapshot>& result) { code.set_value(result.error().code); });
  client_->Forget("source");
  EXPECT_EQ(code.get_future().get(), ErrorCode::kUnavailable);
}

TEST_F(WorkerGitClientTest, TenThousandFilesAreReadQuickly) {
  repository_.CommitMany(10'000);
  const auto timed = [&](const GitFetchRequest& request, Result<GitSnapshot>& out) {
    const auto start = std::chrono::steady_clock::now();
    out = Fetch(request);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  };
  Result<GitSnapshot> snapshot = Fetch(Request("dir0"));  // The process is warm.
  const double all = timed(Request(), snapshot);
  ASSERT_EQ(snapshot->entries.size(), 10'000u);
  GitFetchRequest request = Request();
  request.known_tree = snapshot->revision.tree;
  request.same_directories = true;
  const double none = timed(request, snapshot);
  EXPECT_TRUE(snapshot->unchanged);
  repository_.CommitMany(10'000, 5'000);
  const double one = timed(request, snapshot);
  std::size_t read = 0;
  for (const GitEntry& entry : snapshot->entries) {
    read += entry.bytes.empty() ? 0 : 1;
  }
  EXPECT_EQ(read, 1u);
  RecordProperty("all_ms", std::to_string(all));
  RecordProperty("unchanged_ms", std::to_string(none));
  RecordProperty("one_changed_ms", std::to_string(one));
  std::printf("all %.1f ms, unchanged %.2f ms, one changed %.1f ms\n", all, none, one);
  EXPECT_LT(all, 2'000);  // Ten times what a quiet machine takes.
  EXPECT_LT(none, 100);
  EXPECT_LT(one, 400);
}

}  // namespace
}  // namespace midwatch::git
