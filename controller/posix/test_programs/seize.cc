#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

/// `posix_seize PID`: freezes that process by ptrace, or says that it is refused, and stays for a
/// minute. 0 is its parent.
int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const pid_t named = std::atoi(argv[1]);
  const pid_t pid = named == 0 ? getppid() : named;
  const bool frozen = ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 &&
                      ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0 &&
                      waitpid(pid, nullptr, __WALL) == pid;
  std::puts(frozen ? "frozen" : "refused");
  std::fflush(stdout);
  sleep(60);
  return 0;
}
