#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "controller/env/git_client.h"

namespace midwatch::git {

/// A directory of its own for one test.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string form = std::filesystem::temp_directory_path() / "midwatch-git-XXXXXX";
    path_ = mkdtemp(form.data());
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs a command of the shell; its output without the last line break. It must succeed.
inline std::string Shell(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), got);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
  if (!output.empty() && output.back() == '\n') {
    output.pop_back();
  }
  return output;
}

/// A repository made with the real git: a work tree in DIR/NAME, published in DIR/NAME.git.
class TestRepository {
 public:
  explicit TestRepository(const std::string& directory, const std::string& name = "repo")
      : work_(directory + "/" + name), bare_(directory + "/" + name + ".git") {
    Create();
  }

  void Create() {
    Shell(kGit + " init -q --bare -b main '" + bare_ + "' && " + kGit + " init -q -b main '" +
          work_ + "'");
    Git("remote add origin '" + bare_ + "'");
  }

  void Write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = std::filesystem::path(work_) / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  std::string Git(const std::string& arguments) const {
    return Shell("cd '" + work_ + "' && " + kGit + " " + arguments + " 2>&1");
  }

  /// Commits everything and publishes it; the id.
  std::string Commit(const std::string& branch = "main") const {
    Git("add -A && " + kGit + " commit -q --allow-empty -m change");
    Git("push -q -f --tags origin HEAD:refs/heads/" + branch);
    return Git("rev-parse HEAD");
  }

  /// Publishes `count` files of some 300 bytes in folders of 200, quickly.
  std::string CommitMany(int count, int changed = -1) const {
    const std::string script = work_ + "/../import";
    std::ofstream out(script);
    out << "commit refs/heads/main\ncommitter a <a@b> " << (changed + 2) << " +0000\ndata 1\nx\n";
    for (int i = 0; i < count; ++i) {
      const std::string text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c" +
                               std::to_string(i) + "\ndata:\n  value: '" +
                               std::string(220, i == changed ? 'y' : 'x') + "'\n";
      out << "M 644 inline dir" << i / 200 << "/file" << i << ".yaml\ndata " << text.size() << "\n"
          << text << "\n";
    }
    out.close();
    Shell("cd '" + bare_ + "' && " + kGit + " fast-import --quiet --force < '" + script + "'");
    return Shell(kGit + " -C '" + bare_ + "' rev-parse main");
  }

  /// Stores a file of that many zeros; its blob id.
  std::string WriteZeros(long size) const {
    return Shell("python3 " MIDWATCH_SOURCE_DIR "/controller/git/test_programs/write_zeros.py '" +
                 work_ + "/.git/objects' " + std::to_string(size));
  }

  std::string FileUrl() const { return "file://" + bare_; }
  const std::string& bare() const { return bare_; }
  const std::string& work() const { return work_; }

 private:
  const std::string kGit =
      "GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent git -c user.name=a -c user.email=a@b "
      "-c protocol.file.allow=always";
  std::string work_;
  std::string bare_;
};

}  // namespace midwatch::git
