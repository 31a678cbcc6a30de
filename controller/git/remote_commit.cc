#include "controller/git/remote_commit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "controller/base/encoding.h"
#include "controller/base/text.h"

namespace midwatch::git {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Keeps the commit fetched last, so that the next fetch can say what is here already.
constexpr const char* kKeptReference = "refs/midwatch/current";
// Each fetch adds a pack; past this the cache is fetched anew, into one.
constexpr std::size_t kMaxPacks = 200;
constexpr std::size_t kMaxRefsNamed = 1'000;

struct Url {
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;
};

// The messages do not quote the URL: it may hold a password that should not be there.
Result<Url> ParseUrl(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) {
    return Fail(ErrorCode::kInvalid, "url: expected https://, http:// or file://");
  }
  Url url{.scheme = ToLower(text.substr(0, mark)), .host = {}, .port = {}, .path = {}};
  std::string_view authority = text.substr(mark + 3);
  const std::size_t slash = std::min(authority.find('/'), authority.size());
  url.path = authority.substr(slash);
  authority = authority.substr(0, slash);
  if (url.scheme != "https" && url.scheme != "http" && url.scheme != "file") {
    return Fail(ErrorCode::kInvalid,
                "url: scheme " + Quote(url.scheme) + ", expected https, http or file");
  }
  if (authority.find('@') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalid, "url: credentials belong into a Secret, not into the URL");
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  url.host = authority.substr(0, has_port ? colon : authority.size());
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  url.port =
      has_port ? std::string(authority.substr(colon + 1)) : (url.scheme == "https" ? "443" : "80");
  if (url.scheme != "file" && url.host.empty()) {
    return Fail(ErrorCode::kInvalid, "url: the host is missing");
  }
  return url;
}

std::string FullName(const GitRemote& remote) {
  return (remote.ref_kind == GitRefKind::kTag ? "refs/tags/" : "refs/heads/") + remote.ref;
}

std::string_view KindName(GitRefKind kind) { return kind == GitRefKind::kTag ? "tag" : "branch"; }

bool WantsHead(const GitRemote& remote) {
  return remote.ref_kind == GitRefKind::kBranch && remote.ref.empty();
}

Result<void> CheckRefName(const GitRemote& remote) {
  if (remote.ref_kind == GitRefKind::kCommit) {
    MIDWATCH_TRY(ParseId(remote.ref));
    return {};
  }
  int valid = 0;
  git_reference_name_is_valid(&valid, FullName(remote).c_str());
  if (!WantsHead(remote) && valid == 0) {
    return Fail(ErrorCode::kInvalid, Quote(remote.ref) + " is no valid name of a " +
                                         std::string(KindName(remote.ref_kind)));
  }
  return {};
}

// Says what is missing, and what is like it among the names that are there.
Error NoSuchRef(const GitRemote& remote, const std::vector<std::string>& names) {
  if (names.empty()) {
    return {ErrorCode::kNotFound, "the repository is empty: it has no commit yet"};
  }
  if (WantsHead(remote)) {
    return {ErrorCode::kNotFound,
            "the HEAD of the repository names no branch that exists: set ref.branch"};
  }
  const std::string prefix = remote.ref_kind == GitRefKind::kTag ? "refs/tags/" : "refs/heads/";
  std::vector<std::string_view> candidates;
  for (const std::string& name : names) {
    if (name.starts_with(prefix) && candidates.size() < kMaxRefsNamed) {
      candidates.push_back(std::string_view(name).substr(prefix.size()));
    }
  }
  std::string message = std::string(KindName(remote.ref_kind)) + " " + Quote(remote.ref) +
                        " does not exist in the repository";
  if (const auto near = NearestWord(remote.ref, candidates)) {
    message += ", did you mean " + Quote(*near) + "?";
  }
  return {ErrorCode::kNotFound, std::move(message)};
}

// The commit that an object is or, an annotated tag, leads to.
Result<git_oid> PeelToCommit(git_repository* repository, const git_oid& id) {
  git_object* object = nullptr;
  if (const int error = git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY); error != 0) {
    return Fail(LastGitError(error, "cannot read the object " + IdText(id)));
  }
  const ObjectHandle held(object);
  git_object* commit = nullptr;
  if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) != 0) {
    return Fail(ErrorCode::kInvalid, std::string("the ref names a ") +
                                         git_object_type2string(git_object_type(object)) +
                                         ", expected a commit");
  }
  const ObjectHandle held_commit(commit);
  return *git_object_id(commit);
}

// ---- file://

std::vector<std::string> LocalRefNames(git_repository* repository) {
  std::vector<std::string> names;
  git_reference_foreach_name(
      repository,
      [](const char* name, void* payload) {
        auto& out = *static_cast<std::vector<std::string>*>(payload);
        out.emplace_back(name);
        return out.size() < kMaxRefsNamed ? 0 : 1;
      },
      &names);
  return names;
}

/// libgit2 1.5 says of a repository of another user (CVE-2022-24765) that there is none.
bool BelongsToAnother(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && found.st_uid != geteuid();
}

Result<RepositoryHandle> OpenLocal(const Url& url) {
  MIDWATCH_ASSIGN(const std::string path, PercentDecode(url.path, false));
  if (!url.host.empty() || path.empty()) {
    return Fail(ErrorCode::kInvalid, "url: expected file:///absolute/path");
  }
  git_repository* repository = nullptr;
  const int error =
      git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (error != 0 && BelongsToAnother(path)) {
    return Fail(ErrorCode::kForbidden, Quote(path) +
                                           " belongs to another user, expected a repository of "
                                           "the user that the server runs as");
  }
  if (error == GIT_ENOTFOUND) {
    return Fail(ErrorCode::kNotFound, "there is no git repository at " + Quote(path));
  }
  if (error != 0) {
    return Fail(LastGitError(error, "cannot open the repository"));
  }
  return RepositoryHandle(repository);
}

Result<RemoteCommit> FindLocalCommit(const GitRemote& remote, const Url& url) {
  MIDWATCH_ASSIGN(RepositoryHandle repository, OpenLocal(url));
  git_oid id;
  if (remote.ref_kind == GitRefKind::kCommit) {
    MIDWATCH_ASSIGN(id, ParseId(remote.ref));
    OdbHandle odb;
    git_odb* raw = nullptr;
    if (git_repository_odb(&raw, repository.get()) == 0) {
      odb.reset(raw);
    }
    if (!odb || git_odb_exists(odb.get(), &id) == 0) {
      return Fail(ErrorCode::kNotFound, "commit " + remote.ref + " is not in the repository");
    }
  } else {
    const std::string name = WantsHead(remote) ? "HEAD" : FullName(remote);
    if (git_reference_name_to_id(&id, repository.get(), name.c_str()) != 0) {
      return Fail(NoSuchRef(remote, LocalRefNames(repository.get())));
    }
  }
  MIDWATCH_ASSIGN(id, PeelToCommit(repository.get(), id));
  return RemoteCommit{std::move(repository), id};
}

// ---- https:// and http://

// Removes what a killed worker has left half-done; the number of packs.
std::size_t TidyCache(const std::string& repository) {
  std::error_code error;
  std::filesystem::remove(repository + "/" + kKeptReference + ".lock", error);
  std::size_t packs = 0;
  std::filesystem::directory_iterator at(repository + "/objects/pack", error);
  for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
    const std::filesystem::path extension = at->path().extension();
    packs += extension == ".pack" ? 1 : 0;
    if (extension != ".pack" && extension != ".idx") {
      std::error_code ignored;
      std::filesystem::remove(at->path(), ignored);
    }
  }
  return packs;
}

Result<RepositoryHandle> OpenCache(const std::string& path) {
  if (TidyCache(path) > kMaxPacks) {
    RemoveCache(path);
  }
  git_repository* repository = nullptr;
  if (git_repository_open_ext(&repository, path.c_str(),
                              GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE,
                              nullptr) == 0) {
    return RepositoryHandle(repository);
  }
  RemoveCache(path);
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  if (const int error = git_repository_init_ext(&repository, path.c_str(), &options); error != 0) {
    return Fail(LastGitError(error, "cannot make the cache repository"));
  }
  return RepositoryHandle(repository);
}

// One conversation with a server.
class Fetch {
 public:
  Fetch(const WorkerRequest& request, Network& network, SteadyTime deadline)
      : request_(request), remote_(request.fetch.remote), network_(network), deadline_(deadline) {}

  Result<RemoteCommit> Run(const Url& url);

 private:
  struct Advertised {
    git_oid id{};      // What the ref names: a commit or an annotated tag.
    std::string name;  // What to ask for.
  };

  Result<void> Connect();
  Result<Advertised> Choose();
  Result<void> Download(const std::vector<std::string>& refspecs);
  Result<void> Bring(const Advertised& wanted);
  Result<void> BringEverything();
  bool IsHere(const git_oid& id) const;
  Error Failure(int error, std::string_view doing) const;
  git_remote_callbacks Callbacks();

  static int OnCredentials(git_credential** out, const char* url, const char* user,
                           unsigned allowed, void* self);
  static int OnProgress(const git_indexer_progress* progress, void* self);
  int Abort(ErrorCode code, std::string message);

  const WorkerRequest& request_;
  const GitRemote& remote_;
  Network& network_;
  SteadyTime deadline_;
  RepositoryHandle repository_;
  RemoteHandle connection_;
  int logins_ = 0;
  std::optional<Error> aborted_;
};

int Fetch::Abort(ErrorCode code, std::string message) {
  aborted_ = Error{.code = code, .message = std::move(message)};
  return GIT_EUSER;
}

int Fetch::OnCredentials(git_credential** out, const char*, const char*, unsigned allowed,
                         void* self) {
  auto& fetch = *static_cast<Fetch*>(self);
  const GitRemote& remote = fetch.remote_;
  if (remote.password.Reveal().empty() && remote.username.empty()) {
    return fetch.Abort(ErrorCode::kUnauthorized,
                       "the repository wants a login, or does not exist: set secretRef");
  }
  if (fetch.logins_++ > 0 || (allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0) {
    return fetch.Abort(ErrorCode::kUnauthorized, "the server refused the login");
  }
  return git_credential_userpass_plaintext_new(out, remote.username.c_str(),
                                               remote.password.Reveal().c_str());
}

int Fetch::OnProgress(const git_indexer_progress* progress, void* self) {
  auto& fetch = *static_cast<Fetch*>(self);
  const GitLimits& limits = fetch.request_.limits;
  if (progress->received_bytes > limits.fetch_bytes) {
    return fetch.Abort(ErrorCode::kTooLarge,
                       "more than " + std::to_string(limits.fetch_bytes) + " bytes to fetch");
  }
  if (progress->total_objects > limits.fetch_objects) {
    return fetch.Abort(ErrorCode::kTooLarge,
                       "more than " + std::to_string(limits.fetch_objects) + " objects to fetch");
  }
  if (std::chrono::steady_clock::now() > fetch.deadline_) {
    return fetch.Abort(ErrorCode::kTimeout, "the fetch took too long");
  }
  return 0;
}

git_remote_callbacks Fetch::Callbacks() {
  git_remote_callbacks callbacks;
  git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
  callbacks.credentials = OnCredentials;
  callbacks.transfer_progress = OnProgress;
  callbacks.payload = this;
  return callbacks;
}

Error Fetch::Failure(int error, std::string_view doing) const {
  const Error said = LastGitError(error, doing);
  if (aborted_) {
    return *aborted_;
  }
  if (network_.failure()) {
    return *network_.failure();
  }
  // The names of temporary files differ from one attempt to the next: the status must not.
  if (said.code == ErrorCode::kInsufficientStorage) {
    return {said.code, "the disk of the git cache is full"};
  }
  if (said.message.ends_with("File too large")) {
    return {said.code, "a file of the git cache would have more than " +
                           std::to_string(request_.limits.disk_bytes) + " bytes"};
  }
  if (said.code == ErrorCode::kNotFound) {
    return {ErrorCode::kNotFound, "the repository does not exist on the server"};
  }
  if (said.code == ErrorCode::kUnauthorized) {
    return {ErrorCode::kUnauthorized, "the server refused the login"};
  }
  return said;
}

Result<void> Fetch::Connect() {
  git_remote* remote = nullptr;
  if (const int error =
          git_remote_create_anonymous(&remote, repository_.get(), remote_.url.c_str());
      error != 0) {
    return Fail(LastGitError(error, "cannot use the URL"));
  }
  connection_.reset(remote);
  git_remote_connect_options options;
  git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
  options.callbacks = Callbacks();
  options.proxy_opts.type = GIT_PROXY_NONE;
  options.follow_redirects = GIT_REMOTE_REDIRECT_INITIAL;
  if (const int error = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &options); error != 0) {
    return Fail(Failure(error, "cannot reach the repository"));
  }
  return {};
}

Result<Fetch::Advertised> Fetch::Choose() {
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (const int error = git_remote_ls(&heads, &count, connection_.get()); error != 0) {
    return Fail(Failure(error, "cannot list the refs of the repository"));
  }
  const std::string wanted = WantsHead(remote_) ? "HEAD" : FullName(remote_);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    if (wanted == heads[i]->name) {
      return Advertised{heads[i]->oid, wanted};
    }
    names.emplace_back(heads[i]->name);
  }
  return Fail(NoSuchRef(remote_, names));
}

bool Fetch::IsHere(const git_oid& id) const {
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, repository_.get()) != 0) {
    return false;
  }
  const OdbHandle held(odb);
  return git_odb_exists(odb, &id) != 0;
}

Result<void> Fetch::Download(const std::vector<std::string>& refspecs) {
  std::vector<char*> pointers;
  for (const std::string& refspec : refspecs) {
    pointers.push_back(const_cast<char*>(refspec.c_str()));
  }
  const git_strarray array{pointers.data(), pointers.size()};
  git_fetch_options options;
  git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
  options.callbacks = Callbacks();
  options.proxy_opts.type = GIT_PROXY_NONE;
  options.follow_redirects = GIT_REMOTE_REDIRECT_INITIAL;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  if (const int error = git_remote_download(connection_.get(), &array, &options); error != 0) {
    Error why = Failure(error, "cannot fetch from the repository");
    if (why.code == ErrorCode::kNotFound) {
      why = {ErrorCode::kInternal, "the git cache is damaged"};  // The server has listed the ref.
    }
    return Fail(std::move(why));
  }
  return {};
}

Result<void> Fetch::Bring(const Advertised& wanted) {
  return Download({"+" + wanted.name + ":" + kKeptReference});
}

Result<void> Fetch::BringEverything() {
  return Download({"+refs/heads/*:refs/midwatch/heads/*", "+refs/tags/*:refs/midwatch/tags/*"});
}

Result<RemoteCommit> Fetch::Run(const Url& url) {
  network_.Allow({.host = url.host,
                  .port = url.port,
                  .tls = url.scheme == "https",
                  .ca_pem = remote_.ca_pem,
                  .deadline = deadline_,
                  .byte_limit = request_.limits.fetch_bytes});
  MIDWATCH_ASSIGN(repository_, OpenCache(request_.repository));
  git_oid id;
  if (remote_.ref_kind == GitRefKind::kCommit) {
    MIDWATCH_ASSIGN(id, ParseId(remote_.ref));
    if (!IsHere(id)) {
      MIDWATCH_TRY(Connect());
      MIDWATCH_TRY(BringEverything());
    }
    if (!IsHere(id)) {
      return Fail(ErrorCode::kNotFound,
                  "commit " + remote_.ref + " is on no branch or tag of the repository");
    }
  } else {
    MIDWATCH_TRY(Connect());
    MIDWATCH_ASSIGN(const Advertised wanted, Choose());
    id = wanted.id;
    if (!IsHere(id)) {
      MIDWATCH_TRY(Bring(wanted));
    }
  }
  connection_.reset();
  MIDWATCH_ASSIGN(id, PeelToCommit(repository_.get(), id));
  git_reference* kept = nullptr;
  if (git_reference_create(&kept, repository_.get(), kKeptReference, &id, 1, nullptr) == 0) {
    git_reference_free(kept);  // Without it the next fetch only costs more.
  }
  return RemoteCommit{std::move(repository_), id};
}

}  // namespace

Result<RemoteCommit> FindRemoteCommit(const WorkerRequest& request, Network& network,
                                      SteadyTime deadline) {
  const GitRemote& remote = request.fetch.remote;
  MIDWATCH_ASSIGN(const Url url, ParseUrl(remote.url));
  MIDWATCH_TRY(CheckRefName(remote));
  if (url.scheme == "file") {
    return FindLocalCommit(remote, url);
  }
  const bool has_login = !remote.username.empty() || !remote.password.Reveal().empty();
  if (url.scheme == "http" && has_login) {
    return Fail(ErrorCode::kInvalid, "url: credentials are not sent over http://, use https://");
  }
  return Fetch(request, network, deadline).Run(url);
}

void RemoveCache(const std::string& repository) {
  std::error_code ignored;  // What is left over is found again at the next opening.
  std::filesystem::remove_all(repository, ignored);
}

}  // namespace midwatch::git
