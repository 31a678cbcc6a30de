#include "controller/cli/log_capture.h"

#include <algorithm>
#include <array>
#include <vector>

#include "controller/base/text.h"

namespace midwatch::cli {
namespace {

constexpr std::array<std::string_view, 11> kSecretWords = {
    "token",  "secret",  "password", "passwd", "passphrase", "credential",
    "apikey", "api_key", "private",  "auth",   "access_key"};
// Names that look secret by their words and are none.
constexpr std::array<std::string_view, 4> kHarmlessNames = {"SSH_AUTH_SOCK", "XAUTHORITY",
                                                            "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"};
constexpr std::size_t kShortestLine = 12;

/// Without `ESC [ … letter`, `ESC ] … BEL` and other escapes; a line rewritten by CR keeps its last
/// form.
std::string PlainText(std::string_view text) {
  std::string out;
  std::size_t line = 0;  // Where the last line of `out` begins.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\x1b' && i + 1 < text.size()) {
      const char kind = text[++i];
      while (i + 1 < text.size() &&
             ((kind == '[' && (text[i + 1] < '@' || text[i + 1] > '~')) ||
              (kind == ']' && text[i + 1] != '\a' && text[i + 1] != '\x1b'))) {
        ++i;
      }
      i += kind == '[' || kind == ']' ? 1 : 0;
    } else if (c == '\r') {
      const bool line_end = i + 1 >= text.size() || text[i + 1] == '\n';
      out.resize(line_end ? out.size() : line);
    } else {
      out.push_back(c);
      line = c == '\n' ? out.size() : line;
    }
  }
  return out;
}

std::vector<std::string> SecretsIn(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> secrets;
  for (const auto& [name, value] : environment) {
    if (!LooksSecret(name)) {
      continue;
    }
    secrets.push_back(value);
    for (const std::string_view line : Split(value, '\n')) {
      if (line.size() >= kShortestLine) {
        secrets.emplace_back(line);
      }
    }
  }
  return secrets;
}

}  // namespace

bool LooksSecret(std::string_view name) {
  const std::string lower = ToLower(name);
  if (std::find(kHarmlessNames.begin(), kHarmlessNames.end(), name) != kHarmlessNames.end()) {
    return false;
  }
  return lower.ends_with("_key") || lower.ends_with("_pat") || lower == "key" ||
         std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

SecretMask::SecretMask(const std::map<std::string, std::string>& environment)
    : mask_(SecretsIn(environment)) {}

void LogCapture::Add(std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  if (!head_full_) {
    const std::size_t room = most_head_ - head_.size();
    head_.append(bytes.substr(0, room));
    head_full_ = bytes.size() > room;
    bytes.remove_prefix(std::min(room, bytes.size()));
  }
  tail_.append(bytes);
  if (tail_.size() > 2 * most_tail_) {
    Trim();
  }
}

void LogCapture::Trim() {
  if (tail_.size() <= most_tail_) {
    return;
  }
  const std::size_t line_end = tail_.find('\n', tail_.size() - most_tail_);
  const std::size_t cut = line_end == std::string::npos ? tail_.size() - most_tail_ : line_end + 1;
  left_out_ += cut;
  tail_.erase(0, cut);
}

std::string LogCapture::Take(const SecretMask& mask) {
  const std::scoped_lock lock(mutex_);
  Trim();
  if (left_out_ == 0) {
    return mask.Apply(PlainText(head_ + tail_));
  }
  const std::size_t line_end = head_.rfind('\n');
  const std::size_t keep = line_end == std::string::npos ? 0 : line_end + 1;
  left_out_ += head_.size() - keep;
  return mask.Apply(PlainText(head_.substr(0, keep))) + "[" + std::to_string(left_out_) +
         " bytes left out]\n" + mask.Apply(PlainText(tail_));
}

}  // namespace midwatch::cli
